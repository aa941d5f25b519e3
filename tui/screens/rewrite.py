"""A dialog in which a person writes a triplet's two texts anew. Knows no store."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from syncse_local.text.display import safe

SHOWN = 600
"""Characters of the sentence above the fields: it must leave them on the screen."""


class RewriteScreen(ModalScreen[tuple[str, str]]):
    """Comes back with positive and hard negative; None where the person went back."""

    CSS_PATH = "rewrite.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", id="rewrite.back")]

    def __init__(self, sentence: str, positive: str, negative: str) -> None:
        super().__init__()
        self.sentence, self.texts = sentence, {"positive": positive, "negative": negative}

    def compose(self) -> ComposeResult:
        """The sentence above two lines."""
        with Vertical(id="rewrite", classes="dialog") as box:
            box.border_title = "Edit the triplet"
            yield Static(Content.assemble(("sentence  ", "$text-muted"), safe(self.sentence, SHOWN)), markup=False)
            for name, text in self.texts.items():
                yield Static(name if name == "positive" else "hard negative", markup=False, classes="hint")
                yield Input(text, compact=True, select_on_focus=False, id=f"rewrite-{name}")
            yield Static("enter goes on, in the last line it saves; escape goes back", markup=False, classes="hint")

    def on_mount(self) -> None:
        """Ready to type."""
        self.query(Input).first().focus()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        first, last = self.query(Input)
        if event.input is first:
            last.focus()
        else:
            self.dismiss((first.value.strip(), last.value.strip()))

    def action_back(self) -> None:
        """Nothing is changed."""
        self.dismiss(None)
