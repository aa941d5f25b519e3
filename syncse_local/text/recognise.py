"""Which dialect a table is in: the one that gives its first rows the same number of cells, or the one the user names.

Where two do and differ, or none does, the file is refused with the readings and the flag that decides. Knows no sentences.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.specs.reading import HEADERS, QUOTINGS
from syncse_local.text.columns import knows
from syncse_local.text.dialects import SEPARATORS, Dialect
from syncse_local.text.lines import lines
from syncse_local.text.tables import Attempt, Table, attempt, broken

LOOK_LINES, LOOK_CHARS = 2_000, 1 << 20
"""How much of a file is looked at: some hundreds of rows also where cells are pages, and parsed a dozen times in a second."""
SHOWN = 60
"""Characters of a row in an error: what one line of it has room for."""
LINES = "none"
"""What `--separator` is called where each line is one cell."""
RARE = "\x01\x1f^~¦§"
"""Separators of Hive and others that are tried only where every line has them."""
MANY_WORDS = 6
"""A first line of so many words is no column's name."""
_OWN = {"csv": ",", "tsv": "\t"}
# Of two ways of quoting that both give sound rows the file is refused where they differ; any other is a last resort.
_RIVALS = {("none", "double"), ("double", "backslash")}
_DOUBLED = re.compile(r'[^,;|\s]""|""[^,;|\s]')  # a quote in a cell, and not an empty cell
_SEP_LINE = re.compile(r'\ufeff?"?sep=(.)"?\1*\s*', re.IGNORECASE)
_NUMBER = re.compile(r"[-+\d.,eE]+")
NAME = re.compile(r"\w[\w.\-]{0,39}", re.ASCII)
_SENTENCE_END = re.compile(r"""[.!?…。！？:;]["'”’»)]*\s*$""")


@dataclass(frozen=True, slots=True)
class How:
    """What the user says of a table: its separator ("none": a line is a cell), its quoting, whether it has a header."""

    separator: str | None = None
    quoting: str | None = None
    header: bool | None = None

    @classmethod
    def of(cls, separator: str | None, quoting: str | None, header: str | None) -> "How":
        """The same from words: a separator may be named, the header is "yes" or "no". Raises SyncseError (USAGE)."""
        signs = {**{name: sign for sign, name in SEPARATORS.items()}, "\\t": "\t", LINES: ""}
        sign = separator if separator is None else signs.get(separator.lower(), separator)
        if sign is not None and len(sign) > 1:
            names = ", ".join(SEPARATORS.values())
            hint = f"Give one character, or {names}, or {LINES}: each line is one cell."
            raise SyncseError("Bad separator", f'"{separator}" is more than one character.', hint, ExitCode.USAGE)
        if quoting is not None and quoting not in QUOTINGS:
            ways = "; ".join(f"{name}: {what}" for name, what in QUOTINGS.items())
            raise SyncseError("Bad quoting", f'"{quoting}" is unknown.', f"One of: {ways}.", ExitCode.USAGE)
        if header is not None and header not in HEADERS:
            raise SyncseError(
                "Bad header", f'"{header}" is neither yes nor no.', "Say --header yes or no.", ExitCode.USAGE
            )
        return cls(sign, quoting, None if header is None else header == "yes")


class Head:
    """The first lines of a file, and what they are under each dialect."""

    def __init__(self, path: Path, encoding: str, kind: str, how: How, wanted: str | None) -> None:
        self.path, self.how, self.wanted, self.own = path, how, wanted, _OWN.get(kind, ",")
        self.lines, self.whole = _first_lines(path, encoding)
        named = _SEP_LINE.fullmatch(self.lines[0]) if self.lines else None
        self.named = named[1] if named else None
        """The separator of Excel's line `sep=`."""
        self.tried = [found for separator in self._separators() for found in self.attempts(separator)]

    def _separators(self) -> Sequence[str]:
        if self.how.separator is not None:
            return [self.how.separator]
        rare = [sign for sign in RARE if all(sign in line for line in self.lines if line.strip())]
        return [self.named] if self.named else list(dict.fromkeys((self.own, ",", ";", "\t", "|", *rare)))

    def attempts(self, separator: str) -> Iterator[Attempt]:
        """The lines with this separator, in each way of quoting that suits it, the likely ones first."""
        skipped = int(self.named is not None)
        for quoting in [self.how.quoting] if self.how.quoting else self._quotings(separator):
            found = (self.lines[skipped:], self.whole, skipped, self.how.header is not False, self.wanted)
            yield attempt(Dialect(separator, quoting), *found)

    def _quotings(self, separator: str) -> list[str]:
        if not separator:
            return ["none"]
        escapes = ["escapes"] if separator == "\t" and any("\\N" in line for line in self.lines) else []
        single = ["single"] if any(line.startswith("'") for line in self.lines[:2]) else []
        return [*escapes, *(["none"] if separator in "\t|" else []), "double", *single, "backslash"]

    def is_known(self, found: Attempt) -> bool:
        """Whether the header has a name for sentences, or the one that the user gave."""
        if self.wanted or self.how.header is False:
            return self.wanted in found.header
        return knows(found.header)

    def is_one_column(self) -> bool:
        """Whether nothing separates cells: each separator is within quotes, or stands as in prose, before a space."""
        for separator in self._separators():
            sound = any(a.table and len(a.table.header) == 1 for a in self.tried if a.dialect.separator == separator)
            prose = separator != self.own and not any(re.search(rf"{re.escape(separator)}\S", t) for t in self.lines)
            if separator and not sound and not prose:
                return False
        return True


def _first_lines(path: Path, encoding: str) -> tuple[list[str], bool]:
    found, size = list[str](), 0
    for line in lines(path, encoding):
        if len(found) >= LOOK_LINES or size >= LOOK_CHARS:
            return found, False
        found.append(line)
        size += len(line)
    return found, True


def recognise_table(path: Path, encoding: str, kind: str, how: How, wanted: str | None = None) -> Table:
    """How a table is read; its columns may have names that nobody knows. Raises SyncseError where that is not certain."""
    head = Head(path, encoding, kind, how, wanted)
    if not any(line.strip() for line in head.lines[head.named is not None :]):
        raise SyncseError("Empty input", f"{path} has no rows.", "Give a file with sentences.", ExitCode.NOTHING)
    sound = [(a, a.table) for a in head.tried if a.table]
    wide = [a for a, table in sound if len(table.header) > 1]
    if known := [a for a in wide if head.is_known(a)]:
        return only(head, known)
    if head.is_one_column() and (narrow := [a for a, table in sound if len(table.header) == 1]):
        return _one_column(head, narrow[0])
    if wide and not any(head.is_known(a) for a, _ in sound):
        return only(head, wide)
    spaced = [a for a in head.attempts(" ") if a.table and '" "' in head.lines[0]]  # as R's write.table does it
    if spaced and how.separator is None:
        return only(head, spaced)
    raise unreadable(head)


def only(head: Head, found: Sequence[Attempt]) -> Table:
    """The one table that these attempts are. Raises SyncseError where they differ in what matters."""
    first, *others = found
    escaped = any('\\"' in line for line in head.lines)
    doubled = any(_DOUBLED.search(line) for line in head.lines)
    for other in others:
        rival = (first.dialect.quoting, other.dialect.quoting) in _RIVALS
        if (other.header, other.rows) == (first.header, first.rows):
            continue
        if other.dialect.separator != first.dialect.separator:
            raise _two_readings(head, first, other)
        single = other.dialect.quoting == "single" and _in_single_quotes(first)
        if single or (rival and escaped and not doubled and _differ_by_escapes(first, other)):
            first = other
        elif rival and (escaped or first.dialect.quoting == "none" or len(other.rows) != len(first.rows)):
            raise _two_readings(head, first, other)
    assert first.table is not None
    return first.table


def _in_single_quotes(found: Attempt) -> bool:
    """Whether each cell that holds more than a number stands in '...': there they are quoting, and no text."""
    cells = [cell.strip() for row in found.rows for cell in row]
    texts = [cell for cell in cells if cell and not _NUMBER.fullmatch(cell)]
    return len(texts) > 1 and all(len(text) > 1 and text[0] == text[-1] == "'" for text in texts)


def _differ_by_escapes(first: Attempt, other: Attempt) -> bool:
    """Whether the same cells differ by the backslash before each of their quotes alone: it is there for the quote, and no text."""
    cells, others = ([cell for row in found.rows for cell in row] for found in (first, other))
    quoted = [cell for cell in cells if '"' in cell]
    escaped = bool(quoted) and all(cell.count('"') == cell.count('\\"') for cell in quoted)
    return escaped and [c.replace("\\", "") for c in cells] == [c.replace("\\", "") for c in others]


def _one_column(head: Head, found: Attempt) -> Table:
    """A table of one column, with or without a header. Raises SyncseError (USAGE) where its first line may be either."""
    assert found.table is not None
    name, rest = found.table.header[0], [row[0] for row in found.rows]
    if head.how.separator is None and _is_row_in_cell([found.first[0], *rest]):
        detail = f"In {head.path} each line is one cell with a row in it: {cut(found.first[0])!r}."
        hint = "Take the outer quotes off, or export it again; for lines as they are add --separator none."
        raise SyncseError("Rows within quotes", detail, hint, ExitCode.USAGE)
    if head.how.header is not None or knows([name]) or name == head.wanted:
        return found.table
    is_name = bool(NAME.fullmatch(name)) and any(" " in text.strip() or not text.isascii() for text in rest)
    if is_name and rest:
        return found.table
    if not rest or _SENTENCE_END.search(name) or len(name.split()) >= MANY_WORDS:
        return Table(found.dialect, ("",), 0, found.table.skipped_lines, has_header=False)
    raise SyncseError(
        "Is there a header?",
        f'{head.path} has one column, and its first line "{cut(name)}" may be its name or its first sentence.',
        "Say which: --header yes or --header no.",
        ExitCode.USAGE,
    )


def _is_row_in_cell(cells: Sequence[str]) -> bool:
    """Whether all cells have a separator equally often, and not only as prose has it."""
    for sign in ",;\t|":
        counts = {cell.count(sign) for cell in cells}
        if len(cells) > 1 and len(counts) == 1 and counts != {0}:
            if all(re.search(rf"{re.escape(sign)}\S", cell) for cell in cells):
                return True
    return False


def _two_readings(head: Head, one: Attempt, other: Attempt) -> SyncseError:
    """The error for a file that is two sound tables: the first row that differs, and the flag."""
    rows = zip([one.first, *one.rows], [other.first, *other.rows], strict=False)
    differing = next((pair for pair in rows if list(pair[0]) != list(pair[1])), (one.first, other.first))
    by_separator = one.dialect.separator != other.dialect.separator
    flag = "--separator" if by_separator else "--quoting"
    ways = [a.dialect.name if by_separator else a.dialect.quoting for a in (one, other)]
    first, second = (f"{cut(' | '.join(cells))!r} ({flag} {way})" for cells, way in zip(differing, ways, strict=True))
    return SyncseError(
        "Two ways to read the input",
        f"A row of {head.path} is {first}, or {second}.",
        f"Say which: {flag} {ways[0]} or {flag} {ways[1]}.",
        ExitCode.PREFLIGHT,
    )


def unreadable(head: Head) -> SyncseError:
    """The error for rows of which no dialect makes a table: what is wrong under the likeliest, and the other reading."""
    likely = [a for a in head.tried if a.problem and head.is_known(a)] or [a for a in head.tried if a.problem]
    return broken(head.path, likely[0].problem, likely[0].dialect)  # type: ignore[arg-type]


def cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
