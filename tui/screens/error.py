"""An error as a dialog: title, one sentence, the next step; it can be copied."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from syncse_local.errors import SyncseError
from syncse_local.text.display import safe
from tui.clipboard import copy

MOST = 2000
"""Characters of each part of an error: the longest are lists of what was looked for."""


class ErrorScreen(ModalScreen[None]):
    """Shows one SyncseError; what it says is data and is shown escaped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "Close", id="error.close"),
        Binding("y", "copy", "Copy", id="error.copy"),
        Binding("j,down", "scroll(1)", "Down", show=False, id="error.down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id="error.up"),
    ]

    def __init__(self, error: SyncseError) -> None:
        super().__init__()
        self.error = error

    def compose(self) -> ComposeResult:
        """A box in the middle of the screen."""
        title, detail, hint = (safe(text, MOST) for text in (self.error.title, self.error.detail, self.error.hint))
        text = Content.assemble((title, "$text-error bold"), f"\n\n{detail}\n\n→ {hint}\n")
        with VerticalScroll(id="error", classes="dialog"):
            yield Static(text, markup=False)
            yield Static("enter closes, y copies", markup=False, classes="hint")

    def action_copy(self) -> None:
        """Copy the whole error."""
        copy(self.app, "\n".join((self.error.title, self.error.detail, self.error.hint)))

    def action_scroll(self, lines: int) -> None:
        """Move by lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
