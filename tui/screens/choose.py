"""A dialog with a list to choose from. Knows nothing of what is chosen."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from syncse_local.text.display import safe
from tui.widgets.table import Column, Table

COUNT = 12
"""Columns of a choice's second part: a count up to a billion with its commas."""


class ChooseScreen(ModalScreen[str]):
    """Comes back with the key of the chosen line; None where the person went back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take it", priority=True, id="choose.take"),
        Binding("escape,q", "back", "Back", priority=True, id="choose.back"),
        Binding("j,down", "move(1)", "Next", show=False, priority=True, id="choose.next"),
        Binding("k,up", "move(-1)", "Previous", show=False, priority=True, id="choose.previous"),
        Binding("g,home", "end(False)", "First", show=False, priority=True, id="choose.top"),
        Binding("G,end", "end(True)", "Last", show=False, priority=True, id="choose.bottom"),
    ]

    def __init__(self, question: str, choices: Sequence[tuple[str, Sequence[str]]], current: str = "") -> None:
        super().__init__()
        self.question, self.choices, self.current = question, choices, current

    def compose(self) -> ComposeResult:
        """The question above the list; two columns."""
        with Vertical(id="choose", classes="dialog") as box:
            box.border_title = self.question
            yield Table((Column("", 0), Column("", COUNT, right=True)))
            yield Static("enter takes it, escape goes back", markup=False, classes="hint")

    def on_mount(self) -> None:
        """Ready to choose."""
        table = self.query_one(Table)
        table.show_header = False
        table.focus()
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        table = self.query_one(Table)
        table.show([(key, [safe(cell) for cell in cells]) for key, cells in self.choices])
        table.select(self.current)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.query_one(Table).step(by)

    def action_end(self, last: bool) -> None:
        """To the first or the last line."""
        self.query_one(Table).to_end(last)

    @on(DataTable.RowSelected)
    def action_take(self) -> None:
        """Come back with the line under the cursor."""
        self.dismiss(self.query_one(Table).current)

    def action_back(self) -> None:
        """Nothing was chosen."""
        self.dismiss(None)
