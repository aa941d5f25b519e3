"""What lies where a model's file should be: the pointer of Git LFS, an archive, the page of a log-in. Knows no model."""

from pathlib import Path

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "Fetch the file: git lfs pull."),
    (b"\x1f\x8b", "packed with gzip", "Unpack it: gunzip."),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it: zstd -d."),
    (b"BZh", "packed with bzip2", "Unpack it: bunzip2."),
    (b"\xfd7zXZ", "packed with xz", "Unpack it: unxz."),
    (b"<!doctype", "a web page", "Download it again: the address may have wanted a log-in."),
    (b"<html", "a web page", "Download it again: the address may have wanted a log-in."),
)
"""What such a file begins with, in small letters where it is text, what it is, and the next step."""
_HEAD = 64
"""Bytes looked at: more than any of the beginnings and the blanks before a page."""


def foreign(path: Path) -> tuple[str, str] | None:
    """(what it is, the next step) for a file that is no model's; None for any other, and for what cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    if not head:
        return "empty", "Download or copy it again."
    small = head.lstrip().lower()
    return next(((what, hint) for start, what, hint in _BEGINNINGS if small.startswith(start.lower())), None)


def foreign_in(folder: Path) -> tuple[Path, str, str] | None:
    """The first such file among a directory's own, by name; None where there is none."""
    for path in sorted(folder.glob("*.*")):
        if path.suffix in (".json", ".safetensors", ".model", ".txt") and path.is_file() and (found := foreign(path)):
            return path, *found
    return None
