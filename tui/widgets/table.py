"""A table of rows with keys that keeps its cursor on the same row. Knows nothing of what the cells mean.

Cells are plain text that was made safe before. For lists of some hundreds; more belongs into a paged snapshot.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.widgets import DataTable

LEAST = 10
"""Columns of the widest cell at least: less is unreadable, and the table scrolls."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; width 0 takes what is left."""

    title: str
    width: int
    right: bool = False


class Table(DataTable[Text]):
    """One row a key."""

    def __init__(self, columns: Sequence[Column], id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row")
        self._layout_of, self._rows_shown = columns, tuple[tuple[str, Sequence[str]], ...]()
        self._drawn: object = None

    @property
    def current(self) -> str:
        """The key under the cursor; empty where there is none."""
        return self._rows_shown[self.cursor_row][0] if 0 <= self.cursor_row < len(self._rows_shown) else ""

    def show(self, rows: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Show these (key, cells)."""
        room, kept = self._room(), self.current
        if self._drawn == (tuple(rows), room):
            return
        self._rows_shown, self._drawn = tuple(rows), (tuple(rows), room)
        self.styles.height = len(rows) + self.header_height  # "auto" is measured before the rows are there
        self.clear(columns=True)
        for column in self._layout_of:
            self.add_column(Text(column.title), width=column.width or room)
        for _, cells in rows:
            self.add_row(*(_text(cell, c) for cell, c in zip(cells, self._layout_of, strict=True)))
        self.choose(kept)

    def choose(self, key: str) -> None:
        """Put the cursor on this key, if it is there."""
        keys = [row[0] for row in self._rows_shown]
        if key in keys:
            self.move_cursor(row=keys.index(key), animate=False)

    def step(self, by: int) -> None:
        """Move the cursor by rows."""
        self.move_cursor(row=self.cursor_row + by, animate=False)

    def on_resize(self, _: events.Resize) -> None:
        """The open column takes what is left."""
        if self._drawn is not None:
            self.show(self._rows_shown)

    def _room(self) -> int:
        fixed = sum(column.width + 2 for column in self._layout_of)
        return max(LEAST, self.scrollable_content_region.width - fixed - 1)


def _text(cell: str, column: Column) -> Text:
    return Text(cell, no_wrap=True, overflow="ellipsis", end="", justify="right" if column.right else "left")
