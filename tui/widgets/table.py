"""A table of rows with keys that keeps its cursor on the same row. Knows nothing of what the cells mean.

Cells are text that was made safe before. For lists of some hundreds; more belongs into a paged view.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.color import Color, ColorParseError
from textual.widgets import DataTable

from tui.labels import distinct

LEAST = 12
"""Columns that the open column has at least."""
PADDING = 2
"""Columns that the library adds to each column."""

Cell = str | tuple[str, str]
"""Text, or text and the theme variable that it is drawn in."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; width 0 takes what is left. `optional`: given up where the open column has less room than this.

    `prose` is cut at its end; a name is shortened where it is like the others.
    """

    title: str
    width: int
    right: bool = False
    optional: int = 0
    prose: bool = False


class Table(DataTable[Text]):
    """One row a key. `filter` keeps the rows with a text in one of their cells."""

    def __init__(self, columns: Sequence[Column], id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row")
        self.layout_columns = columns
        self._all: Sequence[tuple[str, Sequence[Cell]]] = ()
        self._rows: Sequence[tuple[str, Sequence[Cell]]] = ()
        self._columns_drawn: tuple[int, ...] = ()
        self._drawn: dict[str, list[Text]] = {}
        self.filter = ""

    @property
    def current(self) -> str:
        """The key under the cursor; empty where there is none."""
        return self._rows[self.cursor_row][0] if 0 <= self.cursor_row < len(self._rows) else ""

    @property
    def keys(self) -> list[str]:
        """The keys of the rows that are shown."""
        return [key for key, _ in self._rows]

    def show(self, rows: Sequence[tuple[str, Sequence[Cell]]]) -> None:
        """Show these (key, cells); only what differs is drawn anew."""
        self._all = rows
        self._rows = [row for row in rows if self._kept(row[1])]
        widths = self._widths()
        cells = self._cells(widths)
        if widths != self._columns_drawn or list(cells) != list(self._drawn):
            self._rebuild(widths, cells)
        else:
            for key, row in cells.items():
                for column, (old, new) in enumerate(zip(self._drawn[key], row, strict=True)):
                    if (old.plain, old.style) != (new.plain, new.style):
                        self.update_cell(key, str(column), new)
        self._drawn = cells

    def show_filtered(self, text: str) -> None:
        """Keep the rows in which this text occurs; an empty one keeps all."""
        self.filter = text.casefold().strip()
        self.show(self._all)

    def select(self, key: str) -> None:
        """Put the cursor on this key, if it is there."""
        if key in self.keys:
            self.move_cursor(row=self.keys.index(key), animate=False)

    def step(self, by: int) -> None:
        """Move the cursor by rows; at the ends it stays."""
        self.move_cursor(row=min(max(0, self.cursor_row + by), max(0, len(self._rows) - 1)), animate=False)

    def page(self, direction: int) -> None:
        """Move the cursor by a screenful."""
        self.step(direction * max(1, self.scrollable_content_region.height - self.header_height - 1))

    def to_end(self, last: bool) -> None:
        """To the first row or the last."""
        self.step(len(self._rows) if last else -len(self._rows))

    def on_resize(self, _: events.Resize) -> None:
        """The open column takes what is left."""
        if self._columns_drawn and self._widths() != self._columns_drawn:
            self.show(self._all)

    def _kept(self, cells: Sequence[Cell]) -> bool:
        return not self.filter or any(self.filter in _plain(cell).casefold() for cell in cells)

    def _widths(self) -> tuple[int, ...]:
        """The columns' widths; -1 for one that is given up."""
        width = (self.size.width or self.app.size.width) - self.styles.scrollbar_size_vertical
        kept = set(range(len(self.layout_columns)))
        while True:
            columns = [self.layout_columns[at] for at in kept]
            open_columns = max(1, sum(not column.width for column in columns))
            left = (width - sum(column.width + PADDING for column in columns)) // open_columns
            cramped = [at for at in kept if self.layout_columns[at].optional > left]
            if not cramped:
                break
            kept.remove(max(cramped, key=lambda at: self.layout_columns[at].optional))
        room = max(LEAST, left)
        return tuple(column.width or room if at in kept else -1 for at, column in enumerate(self.layout_columns))

    def _cells(self, widths: Sequence[int]) -> dict[str, list[Text]]:
        """The texts that fit: in the open column they are shortened where they are alike."""
        columns = list(zip(self.layout_columns, widths, strict=True))
        kept = [at for at, (_, width) in enumerate(columns) if width >= 0]
        found: dict[str, list[Text]] = {key: [] for key, _ in self._rows}
        for at in kept:
            column, width = columns[at]
            plain = [_plain(cells[at]) for _, cells in self._rows]
            shown = plain if column.width or column.prose else distinct(plain, width)
            for (key, cells), text in zip(self._rows, shown, strict=True):
                found[key].append(self._text(cells[at], text, width, column.right))
        return found

    def _text(self, cell: Cell, text: str, width: int, right: bool) -> Text:
        made = Text(text, no_wrap=True, overflow="ellipsis", end="", justify="right" if right else "left")
        if cell_len(text) > width:
            made.truncate(width, overflow="ellipsis")
        made.style = self._style(cell[1]) if isinstance(cell, tuple) else ""
        return made

    def _style(self, name: str) -> Style | str:
        try:
            return Style(color=Color.parse(self.app.theme_variables[name]).rich_color)
        except (KeyError, ColorParseError):
            return ""

    def _rebuild(self, widths: tuple[int, ...], cells: Mapping[str, list[Text]]) -> None:
        kept = list(self._drawn)[self.cursor_row] if 0 <= self.cursor_row < len(self._drawn) else ""
        self.clear(columns=True)
        self._columns_drawn = widths
        shown = [(column, width) for column, width in zip(self.layout_columns, widths, strict=True) if width >= 0]
        for number, (column, width) in enumerate(shown):
            self.add_column(
                Text(column.title, justify="right" if column.right else "left"), width=width, key=str(number)
            )
        for key, row in cells.items():
            self.add_row(*row, key=key)
        self.select(kept)


def _plain(cell: Cell) -> str:
    return cell[0] if isinstance(cell, tuple) else cell
