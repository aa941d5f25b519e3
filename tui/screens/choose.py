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
"""Columns for a number of triplets: a million with its commas fits."""


class ChooseScreen(ModalScreen[str]):
    """Comes back with the key of the chosen line; None where the person went back."""

    CSS_PATH = "choose.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back", id="choose.back"),
        Binding("j,down", "move(1)", "Next", id="choose.next"),
        Binding("k,up", "move(-1)", "Previous", id="choose.previous"),
    ]

    def __init__(self, question: str, choices: Sequence[tuple[str, Sequence[str]]], current: str = "") -> None:
        super().__init__()
        self.question, self.choices, self.current = question, choices, current

    def compose(self) -> ComposeResult:
        """The question above the list; two columns."""
        with Vertical(id="choose"):
            yield Static(self.question, markup=False)
            yield Table((Column("", 0), Column("", COUNT, right=True)))
            yield Static("enter takes it, escape goes back", markup=False, classes="dim")

    def on_mount(self) -> None:
        """Ready to choose."""
        table = self.query_one(Table)
        table.show_header = False
        table.focus()
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        table = self.query_one(Table)
        table.show([(key, [safe(cell, 80) for cell in cells]) for key, cells in self.choices])
        table.choose(self.current)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.query_one(Table).step(by)

    @on(DataTable.RowSelected)
    def _taken(self) -> None:
        self.dismiss(self.query_one(Table).current)

    def action_back(self) -> None:
        """Nothing was chosen."""
        self.dismiss(None)
