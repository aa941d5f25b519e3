"""A dialog that asks once before something is done. Knows nothing of what is done."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static


class ConfirmScreen(ModalScreen[bool]):
    """Comes back with whether to do it. `yes` and `no` are the keys' words; the key that asked also says yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y,c", "answer(True)", "Yes", priority=True, id="confirm.yes"),
        Binding("escape,n,q", "answer(False)", "No", priority=True, id="confirm.no"),
    ]

    def __init__(self, title: str, text: str, yes: str, no: str = "goes back") -> None:
        super().__init__()
        self.question, self.text, self.words = title, text, f"enter {yes}, escape {no}"

    def compose(self) -> ComposeResult:
        """What would be done, and the two ways on."""
        with Vertical(id="confirm", classes="dialog") as box:
            box.border_title = self.question
            yield Static(self.text, markup=False)
            yield Static(self.words, markup=False, classes="hint")

    def action_answer(self, yes: bool) -> None:
        """Come back with the answer."""
        self.dismiss(yes)
