"""Input files before they are text: whether one can be read, packed ones unpacked, and what a file that is no text is.

Knows bytes; knows nothing of encodings, columns or sentences.
"""

import bz2
import gzip
import hashlib
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from syncse_local.errors import ExitCode, SyncseError

CHUNK = 1 << 20
"""Bytes read at a time: large enough that the calls cost nothing, small beside any machine's memory."""
FORMATS = {
    ".txt": "txt", ".text": "txt", ".csv": "csv", ".psv": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow",
}  # fmt: skip
BINARY = ("parquet", "arrow")
_PACKED: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_PACKED_SUFFIXES = (".gz", ".bz2", ".xz")
_AS_CSV = "Save it as CSV (UTF-8) in the program that made it."
# What a file begins with that is no text, what it is, and the next step.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive, as Excel's .xlsx and LibreOffice's .ods are", f"{_AS_CSV[:-1]}, or unpack it."),
    (b"\xd0\xcf\x11\xe0", "an old Office file, such as Excel's .xls", _AS_CSV),
    (b"PAR1", "a Parquet file", "Let its name end in .parquet."),
    (b"ARROW1", "an Arrow file", "Let its name end in .arrow."),
    (b"Obj\x01", "an Avro file", "Write it as Parquet or JSON Lines."),
    (b"ORC", "an ORC file", "Write it as Parquet or JSON Lines."),
    (b"\x89HDF", "an HDF5 file", "Write it as Parquet or CSV."),
    (b"\x93NUMPY", "a NumPy array", "Write its texts one a line to a .txt file."),
    (b"SQLite format 3", "an SQLite database", "Export the query's rows as CSV with a header."),
    (b"$FL2", "an SPSS file (.sav)", "In SPSS: File, Export, CSV data; in R: write.csv."),
    (b"$FL3", "an SPSS file (.zsav)", "In SPSS: File, Export, CSV data; in R: write.csv."),
    (b"<stata_dta>", "a Stata file (.dta)", "In Stata: export delimited."),
    (b"RDX", "an R workspace", "In R: write.csv."),
    (b"X\n\x00\x00\x00", "an R object (.rds)", "In R: write.csv."),
    (b"\x80\x02", "a pickle, which may run code and is never read", "In Python: write CSV, JSON Lines or Parquet."),
    (b"\x80\x03", "a pickle, which may run code and is never read", "In Python: write CSV, JSON Lines or Parquet."),
    (b"\x80\x04", "a pickle, which may run code and is never read", "In Python: write CSV, JSON Lines or Parquet."),
    (b"\x80\x05", "a pickle, which may run code and is never read", "In Python: write CSV, JSON Lines or Parquet."),
    (b"%PDF", "a PDF", "Take the text out first, one sentence a line in a .txt file."),
    (b"{\\rtf", "a rich-text document", "Save it as plain text (UTF-8)."),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it: zstd -d."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it."),
    (b"Rar!", "a RAR archive", "Unpack it."),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "Fetch the file: git lfs pull."),
)  # fmt: skip
_PAGES = (b"<!doctype", b"<html", b"<?xml")


def kind_of(path: Path) -> str:
    """The format that the name stands for. Raises SyncseError (USAGE) for one that is not read."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = len(suffixes) > 1 and suffixes[-1] in _PACKED_SUFFIXES
    ending = suffixes[-2] if packed else suffixes[-1] if suffixes else ""
    kind = FORMATS.get(ending)
    if kind is None or (packed and kind in BINARY):
        with path.open("rb") as handle:
            refuse_foreign(path, handle.read(64))
        detail = f'{path} ends in "{path.suffix}".'
        hint = f"Use one of {', '.join(FORMATS)}, also with .gz; .txt is one sentence per line."
        raise SyncseError("Unknown input format", detail, hint, ExitCode.USAGE)
    return kind


def check_file(path: Path) -> None:
    """Raise SyncseError unless the path is a regular, readable, non-empty file."""
    title = "Cannot read the input"
    try:
        if path.is_dir():
            raise SyncseError(title, f"{path} is a directory.", _one_of(path), ExitCode.USAGE)
        if not path.exists():
            raise SyncseError(title, f"{path} does not exist.", "Check the path.", ExitCode.USAGE)
        if not path.is_file():
            raise SyncseError(title, f"{path} is not a regular file.", "Save it to a file first.", ExitCode.USAGE)
        with path.open("rb") as handle:
            if not handle.read(1):
                raise SyncseError(
                    "Empty input", f"{path} has no bytes.", "Give a file with sentences.", ExitCode.NOTHING
                )
    except OSError as error:
        hint = "Check the file's permissions and the disk."
        raise SyncseError(title, f"{path}: {error.strerror}.", hint, ExitCode.PREFLIGHT) from None


def _one_of(folder: Path) -> str:
    """What to do with a directory; Spark and datasets write one, with parts in it."""
    parts = sorted(
        p.name for p in folder.iterdir() if p.suffix.lower() in FORMATS and not p.name.startswith((".", "_"))
    )
    if not parts:
        return "Give the path of one file."
    return f"Give the path of one file, such as {parts[0]} in it" + (" (or join its parts)." if parts[1:] else ".")


def refuse_foreign(path: Path, head: bytes) -> None:
    """Raise SyncseError (PREFLIGHT) where these first bytes are those of a file that is no text."""
    found = next(((what, hint) for start, what, hint in _FOREIGN if head.startswith(start)), None)
    if found is None and head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES):
        found = ("a web page or XML", "Save the table itself as CSV; a download may have ended on a log-in page.")
    if found:
        raise SyncseError("Not a text file", f"{path} is {found[0]}.", found[1], ExitCode.PREFLIGHT)


def opened(path: Path) -> BinaryIO:
    """The file's bytes, unpacked where it is packed with gzip, bzip2 or xz, whatever its name."""
    with path.open("rb") as handle:
        head = handle.read(8)
    unpack = next((way for start, way in _PACKED.items() if head.startswith(start)), None)
    return cast(BinaryIO, unpack(path, "rb")) if unpack else path.open("rb")


def pieces(path: Path) -> Iterator[bytes]:
    """The file's bytes, unpacked, a piece at a time. Raises SyncseError where it is no text, or damaged."""
    try:
        with opened(path) as handle:
            piece = handle.read(CHUNK)
            refuse_foreign(path, piece[:64])
            while piece:
                yield piece
                piece = handle.read(CHUNK)
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, OSError) as error:
        detail = f"{path}: {error}."
        raise SyncseError("Broken input", detail, "Fetch or pack the file again.", ExitCode.PREFLIGHT) from None


def file_sha256(path: Path) -> str:
    """SHA-256 of the file as it lies there, in constant memory."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
