"""Lines of text files of any size and encoding, with errors that say where. Knows nothing of columns or sentences."""

import codecs
import io
from collections.abc import Iterator
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.encodings import marked_as
from syncse_local.text.files import pieces

LINE_LIMIT = 16 * 1024 * 1024
"""Characters; the rest of a longer line is not read into memory."""


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
    source = pieces(path)
    ended = False
    while not ended:
        piece = next(source, b"")
        ended = not piece
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece, final=ended)
        except UnicodeDecodeError as error:
            raise _wrong_encoding(path, encoding, max(0, read - held + error.start)) from None
        except UnicodeError:
            raise _wrong_encoding(path, encoding, read) from None
        if "\0" in text:
            raise _nul(path, line + text.count("\n", 0, text.index("\0")) + 1)
        line += text.count("\n")
        read += len(piece)
        yield text


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
    marked = marked_as(next(pieces(path), b""))
    hint = (
        f"It begins as {marked}: pass --encoding {marked}, or leave the flag away."
        if marked
        else "Pass --encoding (often cp1252 or latin-1), or save the file as UTF-8."
    )
    detail = f"{path} is not valid {encoding.removesuffix('-sig').upper()} at byte {offset}."
    return SyncseError("Wrong encoding", detail, hint, ExitCode.PREFLIGHT)


def _nul(path: Path, line: int) -> SyncseError:
    hint = "Text has none: if it is UTF-16, pass --encoding utf-16; else export it again as text."
    return SyncseError("NUL bytes in the input", f"{path} has a NUL in line {line}.", hint, ExitCode.PREFLIGHT)
