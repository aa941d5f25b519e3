"""The key list, made from the bindings of the screen below it, so that it cannot fall behind them."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keys import shown

MODE = "mode."
"""What the ids of the keys that open a screen begin with: one line tells of them all."""


class HelpScreen(ModalScreen[None]):
    """Lists keys, what they do, and the command that does the same."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", id="help.close"),
        Binding("j,down", "down", "Down", show=False, id="help.down"),
        Binding("k,up", "up", "Up", show=False, id="help.up"),
    ]

    def __init__(self, bindings: Iterable[Binding], keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._listed, self._keymap = list(bindings), keymap

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
            if not (binding.id or "").startswith(MODE):
                rows += [_line(shown(binding, self._keymap), binding.description)]
                rows += [Content.styled(f"{'':<10}{binding.tooltip}", "dim")] if binding.tooltip else []
        modes = (shown(binding, self._keymap) for binding in self._listed if (binding.id or "").startswith(MODE))
        rows += [
            _line("digits", f"The screens: {' '.join(modes)}"),
            _line("tab", "To the next field or table"),
            Content(""),
        ]
        return Content("\n").join([*rows, Content("Runs go on when this program is closed.")])


def _line(keys: str, does: str) -> Content:
    return Content.assemble((f"{keys:<10}", "$text-accent bold"), does)
