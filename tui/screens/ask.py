"""A dialog with one line to type. Knows nothing of what is asked."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.widgets.form import PathSuggester
from tui.work import drained


class AskScreen(ModalScreen[str]):
    """Comes back with what was typed; None where the person went back. `path`: files are suggested, tab takes one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take it", priority=True, id="ask.take"),
        Binding("tab", "complete", "Complete", priority=True, id="ask.complete"),
        Binding("escape", "back", "Back", priority=True, id="ask.back"),
    ]

    def __init__(self, question: str, value: str = "", path: bool = False) -> None:
        super().__init__()
        self.question, self.value, self.path = question, value, path

    def compose(self) -> ComposeResult:
        """The question above the line."""
        with Vertical(id="ask", classes="dialog") as box:
            box.border_title = "Question"
            yield Static(self.question, markup=False)
            yield Input(self.value, compact=True, suggester=PathSuggester() if self.path else None)
            completes = ", tab completes" if self.path else ""
            yield Static(f"enter takes it{completes}, escape goes back", markup=False, classes="hint")

    def on_mount(self) -> None:
        """Ready to type."""
        self.query_one(Input).focus()

    async def action_take(self) -> None:
        """Come back with the line; keys that were pressed before enter count."""
        line = self.query_one(Input)
        await drained(line)
        self.dismiss(line.value.strip())

    def action_complete(self) -> None:
        """Take what is suggested."""
        self.query_one(Input).action_cursor_right()

    def action_back(self) -> None:
        """Nothing was typed."""
        self.dismiss(None)
