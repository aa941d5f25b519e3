"""Lines of text files of any size and encoding, with errors that say where. Knows nothing of columns or sentences."""

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError

CHUNK = 1 << 20
LINE_LIMIT = 16 * 1024 * 1024  # characters; the rest of a longer line is not read into memory
_MARKS = ((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def check_file(path: Path) -> None:
    """Raise SyncseError unless the path is a regular, readable, non-empty file."""
    title = "Cannot read the input"
    try:
        if path.is_dir():
            raise SyncseError(title, f"{path} is a directory.", "Give the path of one file.", ExitCode.USAGE)
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


def check_encoding(name: str) -> str:
    """The encoding to decode with; UTF-8 takes a byte order mark. Raises SyncseError for an unknown name."""
    try:
        found = codecs.lookup(name)
        "a".encode(found.name)  # refuses codecs between bytes and bytes, such as hex
    except (LookupError, ValueError):
        hint = "Use a name such as utf-8, utf-16, latin-1 or cp1252."
        raise SyncseError("Unknown encoding", f'"{name}" is no text encoding.', hint, ExitCode.USAGE) from None
    return "utf-8-sig" if found.name == "utf-8" else found.name


def decoded(path: Path, encoding: str) -> Iterator[str]:
    """The file's text in pieces, newlines as \\n. Raises SyncseError for bytes of another encoding, and for NULs."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("strict"), translate=True)
    read = line = 0
    with path.open("rb") as handle:
        while True:
            chunk = handle.read(CHUNK)
            held = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise _wrong_encoding(path, encoding, max(0, read - held + error.start)) from None
            except UnicodeError:
                raise _wrong_encoding(path, encoding, read) from None
            if "\0" in text:
                raise _nul(path, line + text.count("\n", 0, text.index("\0")) + 1)
            line += text.count("\n")
            read += len(chunk)
            yield text
            if not chunk:
                return


def lines(path: Path, encoding: str, limit: int = LINE_LIMIT) -> Iterator[str]:
    """Lines without their end; of one longer than `limit`, the first `limit` + 1 characters."""
    held = ""
    for text in decoded(path, encoding):
        first, *rest = text.split("\n")
        held += first[: limit + 1 - len(held)] if len(held) <= limit else ""
        for part in rest:
            yield held
            held = part[: limit + 1]
    if held:
        yield held


def _wrong_encoding(path: Path, encoding: str, offset: int) -> SyncseError:
    name = encoding.removesuffix("-sig").upper()
    with path.open("rb") as handle:
        start = handle.read(4)
    marked = next((other for mark, other in _MARKS if start.startswith(mark)), None)
    hint = (
        f"It begins as {marked}: pass --encoding {marked}."
        if marked
        else ("Pass --encoding (often cp1252 or latin-1), or save the file as UTF-8.")
    )
    detail = f"{path} is not valid {name} at byte {offset}."
    return SyncseError("Wrong encoding", detail, hint, ExitCode.PREFLIGHT)


def _nul(path: Path, line: int) -> SyncseError:
    hint = "Text has none: if it is UTF-16, pass --encoding utf-16; else export it again as text."
    return SyncseError("NUL bytes in the input", f"{path} has a NUL in line {line}.", hint, ExitCode.PREFLIGHT)
