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
KEYS = 12
"""Columns for a binding's keys: the longest are `space pagedown` short of two letters, which then push their line."""


class HelpScreen(ModalScreen[None]):
    """Lists the keys that work now, what they do, and the command that does the same: the ones of the key bar first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "Close", priority=True, id="help.close"),
        Binding("j,down", "scroll(1)", "Down", show=False, priority=True, id="help.down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, priority=True, id="help.up"),
    ]

    def __init__(self, bindings: Iterable[Binding], keymap: Mapping[str, str]) -> None:
        super().__init__()
        self._listed, self._keymap = list(bindings), keymap

    def compose(self) -> ComposeResult:
        """A box in the middle of the screen."""
        with VerticalScroll(id="help", classes="dialog") as box:
            box.border_title = "Keys"
            yield Static(self._text(), markup=False)

    def action_scroll(self, direction: int) -> None:
        """Scroll by half a page."""
        box = self.query_one(VerticalScroll)
        box.scroll_relative(y=direction * max(1, box.size.height // 2), animate=False)

    def _text(self) -> Content:
        own = [binding for binding in self._listed if not (binding.id or "").startswith(MODE)]
        rows = [row for binding in own if binding.show for row in self._rows(binding)]
        modes = (shown(binding, self._keymap) for binding in self._listed if (binding.id or "").startswith(MODE))
        rows += [
            _line("digits", f"Open a screen: {' '.join(modes)}"),
            Content(""),
            *(row for binding in own if not binding.show for row in self._rows(binding)),
            Content(""),
            Content("Runs go on when this program is closed."),
        ]
        return Content("\n").join(rows)

    def _rows(self, binding: Binding) -> list[Content]:
        command = f"  {binding.tooltip}" if binding.tooltip else ""
        return [_line(shown(binding, self._keymap), binding.description, command)]


def _line(keys: str, does: str, command: str = "") -> Content:
    return Content.assemble((f"{keys:<{KEYS}} ", "$text-accent bold"), does, (command, "$text-muted"))
