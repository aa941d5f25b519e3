"""The key list, made from the bindings of the screen below it, so that it cannot fall behind them."""

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.keys import format_key
from textual.screen import ModalScreen
from textual.widgets import Static


class HelpScreen(ModalScreen[None]):
    """Lists keys, what they do, and the command that does the same."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", id="help.close"),
        Binding("j,down", "down", "Down", show=False, id="help.down"),
        Binding("k,up", "up", "Up", show=False, id="help.up"),
    ]

    def __init__(self, bindings: Iterable[Binding]) -> None:
        super().__init__()
        self._listed = list(bindings)

    def compose(self) -> ComposeResult:
        """A box in the middle of the screen."""
        with VerticalScroll(id="help"):
            yield Static(self._text(), markup=False)

    def action_down(self) -> None:
        """Scroll a line."""
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_up(self) -> None:
        """Scroll a line back."""
        self.query_one(VerticalScroll).scroll_up(animate=False)

    def _text(self) -> Content:
        rows = [Content.styled("Keys", "bold"), Content("")]
        for binding in self._listed:
            keys = " ".join(format_key(key.strip()) for key in binding.key.split(","))
            rows.append(Content.assemble((f"{keys:<10}", "$text-accent bold"), binding.description))
            if binding.tooltip:
                rows.append(Content.styled(f"{'':<10}{binding.tooltip}", "dim"))
        rows += [Content(""), Content("Runs go on when this program is closed.")]
        return Content("\n").join(rows)
