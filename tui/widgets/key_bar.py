"""The last line: the keys that work here, the most needed first. Help and Quit never leave it, and a mark says that there are more.

Knows the active bindings of its screen; knows no screen by name. A click on a key does what the key does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from tui.keys import shown

GAP = 2
"""Columns between two keys."""
LAST = ("app.help", "app.quit")
"""The ids that stand at the end whatever else there is room for."""
MORE = "…"


@dataclass(frozen=True, slots=True)
class Key:
    """One entry: what is pressed, what it does, and the action that a click runs."""

    keys: str
    label: str
    action: str

    @property
    def width(self) -> int:
        """Its columns on the screen."""
        return cell_len(self.keys) + 1 + cell_len(self.label)


class KeyBar(Static):
    """Composed with a screen; draws anew when the screen's bindings change."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)

    def on_mount(self) -> None:
        """Follow the bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._draw()

    def on_resize(self, _: events.Resize) -> None:
        """Another width has room for other keys."""
        self._draw()

    def _changed(self, screen: Screen[object]) -> None:
        if screen is self.screen and self.is_attached:
            self._draw()

    def _draw(self) -> None:
        keys: list[Key] = []
        last: list[Key] = []
        for binding, action in self._active():
            entry = Key(shown(binding, self.app._keymap).split(" ")[0], binding.description, action)
            (last if binding.id in LAST else keys).append(entry)
        self.update(_line(keys, last, self.size.width or self.screen.size.width))

    def _active(self) -> Iterator[tuple[Binding, str]]:
        """The bindings that are shown and can be used, each once, in the order that its screen gives them."""
        seen: set[str] = set()
        # A key that the settings move would stand last: the library takes it out and adds it anew.
        given_order = [binding.id for _, binding in self.screen._merged_bindings or ()]
        order = {name: at for at, name in reversed(list(enumerate(given_order)))}
        actives = self.screen.active_bindings.values()
        for active in sorted(actives, key=lambda active: order.get(active.binding.id, len(order))):
            binding = active.binding
            if binding.show and active.enabled and binding.action not in seen:
                seen.add(binding.action)
                namespace = {self.app: "app", self.screen: "screen"}.get(active.node)
                given = binding.action if namespace is None or "." in binding.action.partition("(")[0] else ""
                yield binding, given or f"{namespace}.{binding.action}"


def fitting(keys: list[Key], last: list[Key], width: int) -> tuple[list[Key], bool]:
    """The first keys that fit beside the last ones, and whether some were left out."""
    room = width - sum(key.width + GAP for key in last)
    if sum(key.width + GAP for key in keys) <= room + (0 if last else GAP):
        return keys, False
    kept: list[Key] = []
    room -= len(MORE) + GAP
    for key in keys:
        room -= key.width + GAP
        if room < 0:
            break
        kept.append(key)
    return kept, True


def _line(keys: list[Key], last: list[Key], width: int) -> Content:
    kept, cut = fitting(keys, last, width)
    parts = [_entry(key) for key in kept]
    parts += [Content.styled(MORE, "$text-muted")] if cut else []
    return Content(" " * GAP).join([*parts, *map(_entry, last)])


def _entry(key: Key) -> Content:
    text = Content.assemble((key.keys, "$text-accent bold"), f" {key.label}")
    return text.stylize(Style.from_meta({"@click": key.action}))
