"""Reads small files of model directories with limits: whatever lies there may be huge, odd or made to hurt."""

import json
import os
import re
import stat
from pathlib import Path
from typing import Any

SMALL = 1 << 20
"""Bytes read of a text file unless more is asked for: cards and configurations take a few KB."""
LARGEST_JSON = 1 << 24
"""Bytes. The index of a model in 100 shards takes some 5 MB."""
_LICENCE = re.compile(r"^licen[sc]e:[ \t]*[\"']?([^\"'\n#]+)", re.MULTILINE)
MOST = 1 << 62
"""Counts at or above this are no sizes of anything; arithmetic on them is not worth guarding elsewhere."""


class Unreadable(ValueError):
    """A file that cannot be used; the message is one clause for the user."""


def regular_size(path: Path) -> int:
    """The size of a regular file (links are followed). Raises Unreadable for anything else: pipes would block."""
    try:
        status = path.stat()
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read ({error.strerror})") from error
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable(f"{path.name} is no regular file")
    if not os.access(path, os.R_OK):
        raise Unreadable(f"{path.name} cannot be read (permission denied)")
    return status.st_size


def head(path: Path, limit: int = SMALL) -> str:
    """The beginning of a text file; broken UTF-8 is replaced. Raises Unreadable."""
    regular_size(path)
    try:
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read ({error.strerror})") from error


def card_licence(folder: Path) -> str:
    """The licence that the front matter of the folder's model card states; empty where there is no card or it is silent."""
    try:
        parts = head(folder / "README.md", 1 << 16).split("---", 2)
    except Unreadable:
        return ""
    stated = _LICENCE.search(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    return text(stated[1].strip(), 80) if stated else ""


def json_object(path: Path, limit: int = LARGEST_JSON) -> dict[str, Any]:
    """The JSON object in a file of at most `limit` bytes. Raises Unreadable."""
    if regular_size(path) > limit:
        raise Unreadable(f"{path.name} is larger than {limit >> 20} MiB")
    return parse_object(head(path, limit), path.name)


def parse_object(text: str | bytes, what: str) -> dict[str, Any]:
    """The JSON object that `text` is. Raises Unreadable."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{what} is no readable JSON") from error
    if not isinstance(value, dict):
        raise Unreadable(f"{what} holds no JSON object")
    return value


def size(value: object) -> int:
    """A plausible count, or 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < MOST else 0


def text(value: object, longest: int = 200) -> str:
    """A short text, or nothing."""
    return value[:longest] if isinstance(value, str) else ""
