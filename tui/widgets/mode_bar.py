"""The second line: every screen with the key that opens it. A click opens it too."""

from collections.abc import Mapping, Sequence

from textual import events
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from tui.modes import MODES, Mode

LOOSE, SHORT = 100, 76
"""Columns from which there is room for whole titles and a space after each key, and from which for short ones.

Below, only the screen that is open says its name.
"""


class ModeBar(Static):
    """Handed the name of the screen it is on."""

    def __init__(self, current: str, keymap: Mapping[str, str], id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self.current, self.keymap = current, keymap

    def on_mount(self) -> None:
        """Draw once; only a resize changes it."""
        self.update(self._text(MODES))

    def on_resize(self, _: events.Resize) -> None:
        """More words where there is room."""
        self.update(self._text(MODES))

    def _text(self, modes: Sequence[Mode]) -> Content:
        width = self.app.size.width
        loose = width >= LOOSE
        gap = " " if loose else ""
        parts = []
        for mode in modes:
            key, open_it = self.keymap.get(f"mode.{mode.name}", mode.key), f"app.mode('{mode.name}')"
            here = mode.name == self.current
            name, number = ("bold reverse", "bold reverse") if here else ("", "$text-accent bold")
            title = mode.title if loose else (mode.short or mode.title) if here or width >= SHORT else ""
            text = Content.assemble((key, number), (f"{gap}{title}", name))
            parts.append(text.stylize(Style.from_meta({"@click": open_it})))
        return Content(" " + gap).join(parts)
