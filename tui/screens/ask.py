"""A dialog with one line to type. Knows nothing of what is asked."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.widgets.form import PathSuggester


class AskScreen(ModalScreen[str]):
    """Comes back with what was typed; None where the person went back. `path`: files are suggested."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", id="ask.back")]

    def __init__(self, question: str, value: str = "", path: bool = False) -> None:
        super().__init__()
        self.question, self.value, self.path = question, value, path

    def compose(self) -> ComposeResult:
        """The question above the line."""
        with Vertical(id="ask"):
            yield Static(self.question, markup=False)
            yield Input(self.value, compact=True, suggester=PathSuggester() if self.path else None)
            yield Static("enter takes it, escape goes back", markup=False, classes="dim")

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_back(self) -> None:
        """Nothing was typed."""
        self.dismiss(None)
