"""Task files as lines, columns and scores, each fault named by file and line. Knows no task's layout."""

import math
from collections.abc import Sequence
from pathlib import Path

from syncse_local.errors import SyncseError

_HINT = "Fetch the file again, or leave this task out of the list."


def bad_file(path: Path, line: int | None, what: str, hint: str = _HINT) -> SyncseError:
    """The error for a faulty task file; `line` counts from 1."""
    where = f"{path}, line {line}" if line else str(path)
    return SyncseError("Faulty task file", f"{where}: {what}.", hint)


def read_lines(path: Path, otherwise: str = "") -> list[str]:
    """The lines of a UTF-8 file: BOM, CRLF and the final newline removed, blank lines kept.

    `otherwise` is the single-byte encoding that a file which is no UTF-8 is read in; without it, such a file is refused.
    Only line feeds separate lines: the separators that `str.splitlines` adds (U+0085, U+2028 ...) occur inside
    sentences and would shift every pair after them. Raises SyncseError when the file cannot be read or is no UTF-8.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        check = "Check the path and its permissions."
        raise bad_file(path, None, f"cannot be read ({error.strerror})", check) from error
    recode = "Convert the file to UTF-8 (for example with iconv), or fetch it again."
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw:
        line = raw[: raw.index(b"\x00")].count(b"\n") + 1 if b"\x00" in raw else 1
        raise bad_file(path, line, "is not UTF-8 text (UTF-16 mark or NUL byte)", recode)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not otherwise:
            line = raw.count(b"\n", 0, error.start) + 1
            raise bad_file(path, line, f"is not UTF-8 text (byte 0x{raw[error.start]:02x})", recode) from error
        text = raw.decode(otherwise)
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def parse_score(path: Path, line: int, field: str) -> float | None:
    """The gold score of a row, 0 to 5; None when the field is blank (nobody annotated the pair)."""
    field = field.strip()
    if not field:
        return None
    try:
        score = float(field)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise bad_file(path, line, f"the gold score {field[:40]!r} is not a number")
    if not 0.0 <= score <= 5.0:
        raise bad_file(path, line, f"the gold score {score:g} lies outside 0 to 5")
    return score


def split_columns(path: Path, line: int, text: str, need: int) -> list[str]:
    """The tab-separated columns of a row, at least `need` of them (no quoting: a double quote is text)."""
    columns = text.split("\t")
    if len(columns) < need:
        raise bad_file(path, line, f"has {len(columns)} tab-separated columns where {need} are needed (truncated?)")
    return columns


def sentence_pair(path: Path, line: int, columns: Sequence[str], first: int, second: int) -> tuple[str, str]:
    """The two sentences of a row, white space collapsed as SentEval does (it splits and rejoins tokens)."""
    pair = " ".join(columns[first].split()), " ".join(columns[second].split())
    if not all(pair):
        raise bad_file(path, line, "a sentence is empty")
    return pair
