"""Rows of separated text in one dialect: a separator, and how a cell with that separator or a line break in it is written.

Knows how rows are cut into cells; not which dialect a file is in (`tables`), nor what columns mean.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from syncse_local.text.lines import LINE_LIMIT

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space"}
QUOTED = re.compile(r'"(?:[^"]|"")*"')
_ESCAPE = re.compile(r"\\([tnrbfv\\])")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "\\": "\\"}


class BadRow(Exception):
    """A row that the dialect does not allow: the line it begins at, and what is wrong."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line, self.problem = line, problem


@dataclass(frozen=True, slots=True)
class Dialect:
    """How rows are written; without a separator each line is one cell."""

    separator: str
    quoting: str

    @property
    def name(self) -> str:
        """The separator's name, as `--separator` takes it."""
        return SEPARATORS.get(self.separator, self.separator or "none")

    def __str__(self) -> str:
        return f"separator {self.name}" + (
            f", quoting {self.quoting}" if self.quoting not in ("double", "none") else ""
        )

    def rows(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not a blank line, with the line it begins at. Raises BadRow."""
        if self.separator and self.quoting in ("double", "backslash", "single"):
            yield from self._quoted_rows(lines)
            return
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, [self.cell(cell) for cell in (line.split(self.separator) if self.separator else [line])]

    def cell(self, cell: str) -> str:
        """The text of a cell that is written without regard to its neighbours."""
        if self.quoting == "escapes":
            return _ESCAPE.sub(lambda found: _ESCAPED[found[1]], cell)
        return cell[1:-1].replace('""', '"') if QUOTED.fullmatch(cell) else cell

    def _quoted_rows(self, lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(LINE_LIMIT)
        reader = csv.reader(
            (f"{line}\n" for line in lines),
            delimiter=self.separator,
            quotechar="'" if self.quoting == "single" else '"',
            escapechar="\\" if self.quoting == "backslash" else None,
            skipinitialspace=self.separator in ",;|",
            strict=True,
        )
        while True:
            begin = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise BadRow(begin, f"broken quoting in the row that begins at line {begin} ({error})") from None
            if row and (len(row) > 1 or row[0].strip()):
                yield begin, row
