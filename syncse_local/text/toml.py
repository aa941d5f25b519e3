"""Strict reading of TOML tables: every key known, every value of its type, every error with a next step.

Knows nothing of what the tables mean.
"""

import difflib
import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from syncse_local.errors import ExitCode, SyncseError

MAX_BYTES = 16 * 1024 * 1024
"""Bytes. The shipped pools have under 1 MB; a larger file is a data set that was named by mistake."""


def refuse(title: str, detail: str, hint: str) -> NoReturn:
    """Raise a usage error."""
    raise SyncseError(title, detail, hint, code=ExitCode.USAGE)


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A next step for an unknown name: the closest known one, or the list of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return otherwise or f"Known: {', '.join(names)}."


def locate(name: str, shipped: Path, kind: str) -> Path:
    """The file of a shipped name (`starter`) or of a path (`./mine.toml`). Raises SyncseError where there is none."""
    if "/" in name or "\\" in name or name.endswith(".toml"):
        return Path(name).expanduser()
    path = shipped / f"{name}.toml"
    if not path.is_file():
        names = [p.stem for p in shipped.glob("*.toml")]
        hint = did_you_mean(name, names, f"Known: {', '.join(sorted(names))}; or give the path of a .toml file.")
        refuse(f"Unknown {kind}", f'No {kind} named "{name}" is shipped.', hint)
    return path


def read_toml(path: Path, kind: str) -> dict[str, object]:
    """The parsed file. Raises SyncseError for a missing, oversized, undecodable or malformed one."""
    title = f"Cannot read the {kind}"
    try:
        if path.is_dir():
            refuse(title, f"{path} is a directory.", "Give the path of a .toml file.")
        if path.stat().st_size > MAX_BYTES:
            refuse(title, f"{path} is larger than {MAX_BYTES // 2**20} MB.", f"A {kind} is a short text file.")
        return tomllib.loads(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except FileNotFoundError:
        refuse(title, f"{path} does not exist.", "Check the path.")
    except UnicodeDecodeError as error:
        refuse(title, f"{path} is not UTF-8 (byte {error.start}).", "Save it as UTF-8.")
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        refuse(title, f"{path} is not valid TOML: {error}.", "Correct that place in the file.")
    except OSError as error:
        refuse(title, f"{path}: {error.strerror}.", "Check the file and its permissions.")


class TomlTable:
    """One TOML table with known keys. `where` names it in errors."""

    def __init__(self, data: object, where: str, known: Iterable[str], hint: str = "") -> None:
        if not isinstance(data, Mapping):
            refuse("Malformed file", f"{where} should be a table.", hint or "Compare it with a shipped file.")
        self.data: dict[str, object] = {str(k): v for k, v in data.items()}
        self.where = where
        names = list(known)
        for key in self.data:
            if key not in names:
                refuse("Unknown key", f'{where} has the unknown key "{key}".', did_you_mean(key, names))

    def fail(self, key: str, problem: str) -> NoReturn:
        """Raise for a bad value."""
        refuse("Bad value", f"{self.where}: {key} {problem}.", "Correct the value; shipped files show the form.")

    def text(self, key: str, default: str | None = None) -> str:
        """A string with something in it, without surrounding whitespace (or the default)."""
        value = self.data.get(key, default)
        if not isinstance(value, str) or (not value.strip() and value != default):
            self.fail(key, "must be a non-empty string" if key in self.data else "is missing")
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """A non-empty list of distinct, non-empty strings."""
        value = self.data.get(key)
        if not isinstance(value, list) or not value:
            self.fail(key, "must be a non-empty list of strings" if key in self.data else "is missing")
        if not all(isinstance(item, str) and item.strip() for item in value):
            self.fail(key, "must hold non-empty strings only")
        found = tuple(item.strip() for item in value)
        if len(set(found)) < len(found):
            self.fail(key, "holds the same string twice")
        return found

    def tables(self, key: str) -> list[object]:
        """An array of tables, empty where absent."""
        value = self.data.get(key, [])
        if not isinstance(value, list):
            self.fail(key, f"must be an array of tables, written [[{key}]]")
        return value

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """An integer within [low, high]."""
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(key, f"must be a whole number from {low} to {high}")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A number within [low, high]."""
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.fail(key, f"must be a number from {low:g} to {high:g}")
        return float(value)

    def choice(self, key: str, default: str, options: tuple[str, ...]) -> str:
        """One of the options."""
        value = self.text(key, default)
        if value not in options:
            self.fail(key, f'must be one of {", ".join(options)}, not "{value}"')
        return value

    def version(self) -> None:
        """Refuse a file of a later format."""
        if self.data.get("version", 1) != 1:
            self.fail("version", f"is {self.data['version']!r}, and this program reads version 1")


def canonical(data: object) -> str:
    """JSON with sorted keys and no spaces, ASCII only: the same text for the same data, on any machine."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def content_hash(data: object) -> str:
    """SHA-256, in hex, of the canonical JSON."""
    return hashlib.sha256(canonical(data).encode("ascii")).hexdigest()
