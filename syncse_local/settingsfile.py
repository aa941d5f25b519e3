"""Saving an edited settings file only where it is sound. Knows files; what a setting means is said by `config`."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syncse_local import config
from syncse_local.errors import ExitCode, SyncseError


def read(path: Path) -> str:
    """The file as it is; empty where there is none yet. Raises SyncseError (USAGE) where it cannot be read."""
    try:
        return config.text_of(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError) as error:
        detail = f"{path}: {error}."
        raise SyncseError("A settings file cannot be read", detail, "Mend or remove it.", ExitCode.USAGE) from error


def save(path: Path, text: str, further: Callable[[dict[str, Any]], object]) -> None:
    """Replace the file with `text` if every key is known and of its type, and `further` raises nothing for it.

    Raises SyncseError that says what is wrong; the file then stays as it is.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SyncseError(
            "Not valid TOML", f"{path.name}: {error}.", "Correct that place in the text.", ExitCode.USAGE
        ) from error
    config.check(values, path.name)
    further(values)
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        detail = f"{path}: {error.strerror or error}."
        raise SyncseError("The settings cannot be written", detail, "Check the directory.", ExitCode.FAILED) from error
