"""Saving an edited settings file only where it is sound. Knows files; what a setting means is said by `config`."""

import json
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncse_local import config
from syncse_local.config import Settings
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


def with_model_folder(settings: Settings, folder: Path) -> Settings:
    """The settings with one more directory in `model_dirs`, which the user's file then says too.

    Raises SyncseError (USAGE) for what is no directory, and where a stronger source sets `model_dirs`.
    """
    path, source = folder.expanduser().absolute(), settings.origin.get("model_dirs", str(config.user_file()))
    if not path.is_dir():
        raise SyncseError("Not a directory", f"{path} is no directory.", "Name one with models in it.", ExitCode.USAGE)
    if source != str(config.user_file()):
        detail = f"model_dirs comes from {source}, which is stronger than your settings file."
        raise SyncseError("Set in another place", detail, f"Add {path} there.", ExitCode.USAGE)
    folders = [*filter(None, settings.model_dirs.split(os.pathsep)), str(path)]
    value = os.pathsep.join(dict.fromkeys(folders))
    save(config.user_file(), _with_value(read(config.user_file()), "model_dirs", value), lambda _: None)
    return replace(settings, model_dirs=value, origin={**settings.origin, "model_dirs": str(config.user_file())})


def template() -> str:
    """What a new settings file begins with: every setting with its default and what it is for, all of it commented out."""
    lines = ["# Settings of syncse-local. A line counts once its # is taken away.", ""]
    tables = []
    for name, value in config.as_dict(Settings()).items():
        if isinstance(value, dict):
            tables += ["", f"# {config.ABOUT[name]}", f"# [{name}]"]
        else:
            lines += [f"# {config.ABOUT[name]}", f"# {name} = {json.dumps(value)}", ""]
    return "\n".join([*lines[:-1], *tables]) + "\n"


def _with_value(text: str, name: str, value: str) -> str:
    """The TOML text with this top-level key: in the place where it stands, or above everything else."""
    line = f"{name} = {json.dumps(value)}"
    changed, found = re.subn(rf"(?m)^{name}\s*=.*$", lambda _: line, text, count=1)
    return changed if found else f"{line}\n{text}"
