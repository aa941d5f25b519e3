"""The file format: a mark, a list of files with their SHA-256, then their bytes one after another. Knows no workspace.

A reader trusts nothing: lengths, names and hashes are checked before a byte is used, and nothing is unpacked by name alone.
"""

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from syncse_local.errors import ExitCode, SyncseError

MARK = b"SYNCSE-PACK 1\n"
LENGTH = 8
"""Bytes that say how long the list is, the largest first."""
LARGEST_LIST = 64 << 20
"""Bytes: half a million files."""
MOST_FILES = 500_000
"""More are no model's."""
LARGEST_FILE = 1 << 50
"""Bytes: a pebibyte, far from where sums of lengths go wrong."""
LONGEST_NAME = 1_000
"""Characters of a path; file systems end at 4,096 with what stands before it."""
LONGEST_PART = 200
"""Bytes of one name in a path: file systems hold 255, and some of ours get a suffix while they are written."""
BLOCK = 1 << 22
"""Bytes read at a time."""
KINDS = ("workspace", "encoder", "model")
_HASH = re.compile(r"[0-9a-f]{64}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its path in the pack, its bytes' number and SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a pack holds. `about` is further plain data; `start` is where the files' bytes begin."""

    kind: str
    name: str
    files: tuple[Entry, ...]
    about: Mapping[str, Any]
    start: int = 0

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.files)

    def encoded(self) -> bytes:
        """The pack's beginning: mark, length, list."""
        files = [[entry.path, entry.size, entry.sha256] for entry in self.files]
        data = {"kind": self.kind, "name": self.name, "about": dict(self.about), "files": files}
        text = json.dumps(data, sort_keys=True, ensure_ascii=True).encode()
        return MARK + len(text).to_bytes(LENGTH, "big") + text

    @property
    def identity(self) -> str:
        """The SHA-256 of the beginning: it stands for every byte of the pack."""
        return hashlib.sha256(self.encoded()).hexdigest()


def describe(files: Mapping[str, Path]) -> tuple[Entry, ...]:
    """The entries of files by their paths in the pack, in order. Raises SyncseError (USAGE) for a name no reader takes."""
    found = []
    for name in sorted(files):
        if why := unsafe(name):
            raise SyncseError("Cannot be packed", f"{name!r} {why}.", "Rename the file.", ExitCode.USAGE)
        found.append(Entry(name, files[name].stat().st_size, sha256(files[name])))
    return tuple(found)


def write(listing: Listing, files: Mapping[str, Path], target: Path) -> int:
    """Write the pack; what an interrupted call has left beside it is gone on with. Returns the bytes taken over from there.

    Raises SyncseError where a file changed meanwhile, OSError where the disk is full.
    """
    beginning = listing.encoded()
    part = target.with_name(f".{target.name}.part")
    with part.open("r+b" if part.exists() else "w+b") as out:
        kept = _kept(out, beginning, listing)
        done = 0 if kept < len(beginning) else len(beginning)
        if not done:
            out.seek(0)
            out.truncate()
            out.write(beginning)
            done = kept = len(beginning)
        out.seek(kept)
        out.truncate()
        for entry in listing.files:
            done += entry.size
            if done <= kept:
                continue
            _append(out, files[entry.path], entry)
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)
    return max(0, kept - len(beginning))


def _kept(out: BinaryIO, beginning: bytes, listing: Listing) -> int:
    """How many bytes of an earlier try are the same pack's: its beginning and whole files that have their hash."""
    if out.read(len(beginning)) != beginning:
        return 0
    kept = len(beginning)
    length = out.seek(0, os.SEEK_END)
    out.seek(kept)
    for entry in listing.files:
        if kept + entry.size > length or _hashed(out, entry.size) != entry.sha256:
            break
        kept += entry.size
    return kept


def _append(out: BinaryIO, source: Path, entry: Entry) -> None:
    digest, left = hashlib.sha256(), entry.size
    with source.open("rb") as content:
        while left and (block := content.read(min(BLOCK, left))):
            digest.update(block)
            out.write(block)
            left -= len(block)
    if left or digest.hexdigest() != entry.sha256:
        raise SyncseError(
            "A file has changed", f"{source} was written meanwhile.", "Pack again when nothing writes it."
        )


def read_listing(pack: BinaryIO) -> Listing:
    """The list of an open pack, checked against the file's length. Raises SyncseError (PREFLIGHT) where it is none."""
    length = os.fstat(pack.fileno()).st_size
    head = pack.read(len(MARK) + LENGTH)
    size = int.from_bytes(head[len(MARK) :], "big")
    if head[: len(MARK)] != MARK or len(head) < len(MARK) + LENGTH:
        raise damaged("it does not begin as a pack of this version does")
    if size > LARGEST_LIST or len(head) + size > length:
        raise damaged("its list of files is cut off or too long")
    try:
        data = json.loads(pack.read(size))
        files = tuple(Entry(*_entry(row)) for row in data["files"])
        listing = Listing(str(data["kind"]), str(data["name"]), files, dict(data["about"]), len(head) + size)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged("its list of files cannot be read") from None
    _check(listing)
    if listing.start + listing.size != length:
        raise damaged(f"it has {length} bytes, and its list says {listing.start + listing.size}")
    return listing


def _entry(row: Any) -> tuple[str, int, str]:
    path, size, digest = row
    if not (isinstance(path, str) and type(size) is int and isinstance(digest, str)):
        raise TypeError
    return path, size, digest


def _check(listing: Listing) -> None:
    if listing.kind not in KINDS or len(listing.files) > MOST_FILES:
        raise damaged("its list of files is not one of ours")
    if why := unsafe(listing.name):
        raise damaged(f"its name {why}")
    seen: set[str] = set()
    for entry in listing.files:
        if why := unsafe(entry.path):
            raise damaged(f"a file's name {why}: {entry.path[:80]!r}")
        if not 0 <= entry.size <= LARGEST_FILE or not _HASH.fullmatch(entry.sha256):
            raise damaged(f"a file's size or hash is none: {entry.path[:80]!r}")
        folded = _folded(entry.path)
        if folded in seen:
            raise damaged(f"two files have one name: {entry.path[:80]!r}")
        seen.add(folded)
    for entry in listing.files:
        parts = _folded(entry.path).split("/")
        if any("/".join(parts[:end]) in seen for end in range(1, len(parts))):
            raise damaged(f"a file lies in a file: {entry.path[:80]!r}")


def _folded(path: str) -> str:
    """One spelling for what file systems without case or with other normal forms take for one name."""
    return unicodedata.normalize("NFC", path).casefold()


def unsafe(path: str) -> str:
    """Why a path may not stand in a pack; empty where it may."""
    if not path or len(path) > LONGEST_NAME:
        return "is empty or too long"
    if not path.isprintable() or "\\" in path or ":" in path:
        return "has signs that some systems read otherwise"
    for part in path.split("/"):
        if part in ("", ".", "..") or part != part.strip(" ") or part.endswith(".") or part.startswith("."):
            return "leads elsewhere, or is hidden"
        if len(part.encode("utf-8", "surrogatepass")) > LONGEST_PART or _RESERVED.fullmatch(part):
            return "has a part that some systems cannot hold"
    return ""


def verify(pack: BinaryIO, listing: Listing) -> Iterator[Entry]:
    """Each entry once its bytes have their hash. Raises SyncseError (PREFLIGHT) at the first that have not."""
    pack.seek(listing.start)
    for entry in listing.files:
        if _hashed(pack, entry.size) != entry.sha256:
            raise damaged(f"the bytes of {entry.path[:80]!r} are not those that were packed")
        yield entry


def extract(pack: BinaryIO, listing: Listing, folder: Path) -> int:
    """Write the files below `folder`, which only this user may enter; those that are there whole are not written again.

    Returns how many bytes were there. Raises SyncseError (PREFLIGHT) where bytes changed since they were verified.
    """
    there, place = 0, listing.start
    for entry in listing.files:
        target = folder / entry.path
        if target.is_file() and target.stat().st_size == entry.size and sha256(target) == entry.sha256:
            there += entry.size
        else:
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            part = target.with_name(target.name + ".part")
            pack.seek(place)
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
            with os.fdopen(descriptor, "wb") as out:
                if _hashed(pack, entry.size, out) != entry.sha256:
                    raise damaged(f"the bytes of {entry.path[:80]!r} have changed since they were verified")
            part.replace(target)
        place += entry.size
    return there


def _hashed(content: BinaryIO, size: int, out: BinaryIO | None = None) -> str:
    digest, left = hashlib.sha256(), size
    while left and (block := content.read(min(BLOCK, left))):
        digest.update(block)
        if out is not None:
            out.write(block)
        left -= len(block)
    return digest.hexdigest() if not left else ""


def sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def damaged(why: str) -> SyncseError:
    """The error for a pack that cannot be used."""
    hint = "Nothing was written. Fetch it again, or ask whoever made it."
    return SyncseError("The pack cannot be used", f"{why[0].upper()}{why[1:]}.", hint, ExitCode.PREFLIGHT)
