"""A table's rows under one dialect: where its header is, how long its rows are, and what the end of a row may lack.

Knows cells; which dialect a file is in is found by `recognise`, what columns mean is said by `columns`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.columns import knows, plain
from syncse_local.text.dialects import BadRow, Dialect
from syncse_local.text.lines import lines

RUN_ON = 200
"""Lines that the last row looked at may be open for; a longer one is a quote that was never closed."""
PREAMBLE = 20
"""Rows before the header in which reports give their title and date."""
QUALTRICS = 2
"""Rows that Qualtrics writes between its header and the answers."""
Row = list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """How a table is read: `header` names every cell of a row, `optional` ones may be missing at a row's end."""

    dialect: Dialect
    header: tuple[str, ...]
    before: int = 1
    """Rows before the first one with data: the header, and a preamble."""
    skipped_lines: int = 0
    """Lines before the first row: Excel's `sep=`."""
    optional: frozenset[int] = frozenset()
    has_header: bool = True

    def fitted(self, cells: Row) -> Row | None:
        """The row as long as the header; None where it is not of this table."""
        width = len(self.header)
        if len(cells) == width:
            return cells
        if len(cells) > width:
            return cells[:width] if not any(cell.strip() for cell in cells[width:]) else None
        missing = range(len(cells), width)
        open_quote = missing and cells[-1].lstrip().startswith('"') and not cells[-1].rstrip().endswith('"')
        return None if open_quote or not self.optional.issuperset(missing) else cells + [""] * len(missing)

    def rows(self, path: Path, encoding: str) -> Iterator[Row]:
        """The rows with data. Raises SyncseError for one that is longer or shorter than the header."""
        source = islice(lines(path, encoding), self.skipped_lines, None)
        try:
            for line, cells in islice(self.dialect.rows(source), self.before, None):
                if (row := self.fitted(cells)) is None:
                    raise BadRow(line, self.misfit(line, cells))
                yield row
        except BadRow as bad:
            raise broken(path, bad, self.dialect) from None

    def misfit(self, line: int, cells: Row) -> str:
        """What is wrong with a row."""
        return (
            f"the row at line {line + self.skipped_lines} has {len(cells)} fields, and the first row {len(self.header)}"
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the first rows are under one dialect: a table and its rows, or what forbids it."""

    dialect: Dialect
    table: Table | None = None
    rows: tuple[Row, ...] = ()
    problem: BadRow | None = None
    first: tuple[str, ...] = ()
    """The cells of the row that was taken for the header."""

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.table.header if self.table else self.first


def attempt(
    dialect: Dialect, head: Sequence[str], whole: bool, skipped: int, has_header: bool, wanted: str | None
) -> Attempt:
    """Read a file's first lines (`whole`: all there are) as a table; `wanted` is a column that the user names."""
    rows, problem = _cut(dialect, head, whole)
    if not rows:
        return Attempt(dialect, problem=problem)
    at = _header_at([cells for _, cells in rows], wanted) if has_header else 0
    first = tuple(plain(cell) for cell in rows[at][1])
    header = first if has_header else tuple(str(number) for number in range(1, len(first) + 1))
    data = rows[at + 1 :] if has_header else rows
    if has_header and _numbers_its_rows(len(header), data):
        header = ("", *header)
    full = [cells for _, cells in data if len(cells) >= len(header)]
    empty = {i for i, name in enumerate(header) if not name or any(not cells[i].strip() for cells in full)}
    more = QUALTRICS if has_header and _is_qualtrics(data) else 0
    table = Table(dialect, header, at + has_header + more, skipped, frozenset(empty), has_header)
    data = data[more:]
    fitted = [table.fitted(cells) for _, cells in data]
    if None in fitted and problem is None:
        line, cells = data[fitted.index(None)]
        problem = BadRow(line, table.misfit(line, cells))
    taken = tuple(row for row in fitted if row is not None)
    return Attempt(dialect, None if problem else table, taken, problem, first)


def _is_qualtrics(data: Sequence[tuple[int, Row]]) -> bool:
    """Whether the second row under the header has Qualtrics' ids; the first then has the questions."""
    return len(data) >= QUALTRICS and all(cell.startswith('{"ImportId"') for cell in data[QUALTRICS - 1][1] if cell)


def _cut(dialect: Dialect, head: Sequence[str], whole: bool) -> tuple[list[tuple[int, Row]], BadRow | None]:
    """The rows with the lines they begin at, and what ended them too early; a row cut off with the head is left out."""
    rows = list[tuple[int, Row]]()
    try:
        for found in dialect.rows(head):
            rows.append(found)
    except BadRow as bad:
        cut_off = not whole and len(head) - bad.line < RUN_ON and "unexpected end" in bad.problem
        return rows, None if cut_off else bad
    return rows, None


def _header_at(rows: Sequence[Row], wanted: str | None) -> int:
    """The row with the names: the first one, or one with known names after shorter rows of a preamble."""
    widest = 0
    for at, cells in enumerate(rows[:PREAMBLE]):
        names = [plain(cell) for cell in cells]
        if len(cells) > max(1, widest) and (knows(names) or (wanted and wanted in names)):
            return at
        widest = max(widest, len(cells))
    return 0


def _numbers_its_rows(width: int, data: Sequence[tuple[int, Row]]) -> bool:
    """Whether every row begins with a number that the header has no name for, as R's write.table writes it."""
    rows = [cells for _, cells in data]
    numbers = {cells[0].strip() for cells in rows}
    own = all(len(cells) == width + 1 for cells in rows) and any(cells[-1].strip() for cells in rows)
    return own and len(numbers) == len(rows) > 0 and all(n.isascii() and n.isdigit() for n in numbers)


def broken(path: Path, bad: BadRow, dialect: Dialect) -> SyncseError:
    """The error for a row that does not fit."""
    hint = (
        f"It was read with {dialect}: say otherwise with --separator or --quoting. Put a cell with a separator, a quote or a "
        'line break in double quotes ("..."); let a file of plain lines end in .txt, or add --separator none.'
    )
    return SyncseError("Broken input", f"{path}: {bad.problem}.", hint, ExitCode.PREFLIGHT)
