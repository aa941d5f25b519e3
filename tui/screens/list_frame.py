"""What every screen with a list does the same: move in it, search it, open what is under the cursor. Knows no list's contents."""

from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.widgets import DataTable

from tui.keys import key
from tui.screens.ask import AskScreen
from tui.screens.frame import Frame
from tui.widgets.table import Table


def list_keys(prefix: str, noun: str) -> list[BindingType]:
    """The keys of a list, with ids that begin with the screen's name; for a screen's BINDINGS, after its own."""
    return [
        key("slash", "find", "Search", f"{prefix}.find", f"keeps each {noun} with these words"),
        key("j,down", "move(1)", f"Next {noun}", f"{prefix}.next", show=False),
        key("k,up", "move(-1)", f"Previous {noun}", f"{prefix}.previous", show=False),
        key("space,pagedown", "page(1)", "A page down", f"{prefix}.page-down", show=False),
        key("b,pageup", "page(-1)", "A page up", f"{prefix}.page-up", show=False),
        key("g,home", "top", f"First {noun}", f"{prefix}.top", show=False),
        key("G,end", "bottom", f"Last {noun}", f"{prefix}.bottom", show=False),
    ]


class ListFrame(Frame):
    """A screen whose cursor moves in a `Table`; `table` says in which one now."""

    NOUN: ClassVar[str] = "line"

    @property
    def table(self) -> Table:
        """The table that the cursor moves in."""
        return self.query_one(Table)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.table.step(by)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a screenful."""
        self.table.page(direction)

    def action_top(self) -> None:
        """To the first line."""
        self.table.to_end(False)

    def action_bottom(self) -> None:
        """To the last line."""
        self.table.to_end(True)

    async def action_find(self) -> None:
        """Keep the lines with some text; nothing typed shows all."""
        table = self.table

        def typed(text: str | None) -> None:
            if text is not None:
                table.show_filtered(text)
                self.draw()

        await self.app.push_screen(AskScreen("Show lines with; empty: all", table.filter), typed)

    def action_open(self) -> None:
        """Open what is under the cursor."""

    @on(DataTable.RowSelected)
    def _clicked(self) -> None:
        """A click on the cursor's line is its enter."""
        self.action_open()
