"""A million triplets in a table: only the lines on the screen are drawn, from pages that are asked for as they come into snapshot.

Knows places, the cursor and how a row is drawn; knows no store. `Needed` says which pages are wanted, `Moved` where the
cursor is. Rows and cursor are told apart without colour: by marks.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from syncse_local.api import BY_PERSONS
from syncse_local.text.display import safe
from tui.page_cache import PAGE, Pages, Row
from tui.triplet_queries import CursorPosition, ResultUpdate

GLYPHS = {"accepted": "✓", "rejected": "✗", "dropped": "▽"}
PERSON = "●"
"""Beside the state: a person has said so."""
WIDE = 100
"""Columns from which the reason has a column of its own."""
REASON = 12
"""Its width: the longest reasons that the parser gives, but for a few letters."""
GAP = 2
"""Columns between two texts."""


class TripletTable(ScrollView, can_focus=True):
    """Handed `Pages`; draws what is in them and an ellipsis for what is not there yet."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"table--header", "table--cursor", "table--dim", "table--person"}

    class Needed(Message):
        """Pages that came into snapshot and are not in memory, by number."""

        def __init__(self, numbers: list[int]) -> None:
            super().__init__()
            self.numbers = numbers

    class Moved(Message):
        """The cursor stands on another place, or on another triplet."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.pages = Pages()
        self.cursor = 0

    # -- what is shown -----------------------------------------------------------------------------------------------

    @property
    def current(self) -> Row | None:
        """The row under the cursor, where it is in memory."""
        return self.pages.row(self.cursor)

    @property
    def height(self) -> int:
        """Rows that fit below the header."""
        return max(1, self.size.height - 1)

    @property
    def position(self) -> CursorPosition:
        """Where the cursor stands."""
        row = self.current
        return CursorPosition(
            row["ordinal"] if row else None, self.cursor, self.cursor - self.scroll_offset.y, self.height
        )

    def clear_result(self) -> None:
        """Another result, of which nothing is known yet."""
        self.pages = Pages()
        self.set_total(0, 0)

    def set_page(self, number: int, rows: Sequence[Row]) -> None:
        """A page that was needed. The first one may come before it is known how long the result is."""
        self.pages.put(number, rows)
        if not self.pages.total and rows:
            self.set_total(len(rows), 0)
        if number == self.cursor // PAGE:
            self.post_message(self.Moved())
        self.refresh()

    def update_result(self, found: ResultUpdate, was: CursorPosition) -> None:
        """The result has changed: its pages are new, and the cursor stays on its triplet and its line."""
        self.pages.clear()
        for number, rows in found.pages.items():
            self.pages.put(number, rows)
        self.set_total(found.outline.total, self.cursor + found.place - was.place)

    def set_total(self, total: int, cursor: int) -> None:
        """The result has this many rows, and the cursor's triplet this place; its line on the screen stays."""
        line = self.cursor - self.scroll_offset.y
        self.pages.total = total
        self.virtual_size = Size(self.size.width, total + 1)
        self.cursor = min(max(0, cursor), max(0, total - 1))
        self._scroll(self.cursor - line)
        self.look()

    def look(self) -> None:
        """Ask for what the screen lacks, and draw."""
        top = self.scroll_offset.y
        if numbers := self.pages.missing(min(top, self.cursor), max(top + self.height, self.cursor)):
            self.post_message(self.Needed(numbers))
        self.post_message(self.Moved())
        self.refresh()

    def move_to(self, place: int) -> None:
        """Put the cursor on a place and bring it into snapshot."""
        self.cursor = min(max(0, place), max(0, self.pages.total - 1))
        top = self.scroll_offset.y
        if not top <= self.cursor < top + self.height:
            self._scroll(self.cursor if self.cursor < top else self.cursor - self.height + 1)
        self.look()

    def _scroll(self, top: int) -> None:
        highest = max(0, self.pages.total - self.height)
        self.scroll_to(y=min(max(0, top), highest), animate=False, force=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows have come into snapshot, by keys, wheel or bar."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.look()

    def on_resize(self, _: events.Resize) -> None:
        """Keep the cursor in snapshot."""
        self.virtual_size = Size(self.size.width, self.pages.total + 1)
        self.move_to(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """The cursor goes where the mouse points."""
        if event.y > 0:
            self.move_to(self.scroll_offset.y + event.y - 1)

    # -- drawing -----------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, a row, or nothing below the last."""
        width = self.scrollable_content_region.width
        if y == 0:
            return self._strip(_line(_HEADER, width, self._digits), width, "table--header")
        place = self.scroll_offset.y + y - 1
        if place >= self.pages.total:
            return Strip.blank(width, self.rich_style)
        row = self.pages.row(place)
        here = place == self.cursor
        digits = self._digits
        text = f"{_MARK[here]}{place + 1:>{digits},} …" if row is None else _row(row, place, here, width, digits)
        kind = "table--cursor" if here else "table--dim" if row is None else ""
        return self._strip(text, width, kind or ("table--person" if row and row["reason"] in BY_PERSONS else ""))

    @property
    def _digits(self) -> int:
        """Columns of the longest row number."""
        return max(len(_HEADER["number"]), len(f"{self.pages.total:,}"))

    def _strip(self, text: str, width: int, kind: str) -> Strip:
        style: Style = self.get_component_rich_style(kind) if kind else self.rich_style
        return Strip([Segment(set_cell_size(text, width), style)], width)


_HEADER: Mapping[str, str] = {
    "mark": " ", "number": "row", "state": "", "reason": "why", "sentence": "sentence", "positive": "positive",
    "negative": "hard negative",
}  # fmt: skip


_MARK = {True: "▶", False: " "}


def _row(row: Mapping[str, Any], place: int, here: bool, width: int, digits: int) -> str:
    state = GLYPHS.get(row["state"], "?") + (PERSON if row["reason"] in BY_PERSONS else "")
    return _line({**row, "mark": _MARK[here], "number": f"{place + 1:,}", "state": state}, width, digits)


def _line(cells: Mapping[str, str], width: int, digits: int) -> str:
    fixed = f"{cells['mark']}{cells['number']:>{digits}} {cells['state']:<2} "
    names = ("sentence", "positive", "negative")
    fixed += f"{_cell(cells['reason'], REASON)} " if width >= WIDE else ""
    room = max(1, (width - cell_len(fixed) - GAP * (len(names) - 1)) // len(names))
    return fixed + (" " * GAP).join(_cell(cells[name], room) for name in names)


def _cell(text: str, room: int) -> str:
    return _fitted(text[: room + 1], room)


@lru_cache(maxsize=4096)
def _fitted(text: str, room: int) -> str:
    """The text made safe, in exactly `room` columns of the terminal, with an ellipsis where it is cut."""
    shown = safe(text, room + 1)
    return set_cell_size(shown if cell_len(shown) <= room else set_cell_size(shown, room - 1) + "…", room)
