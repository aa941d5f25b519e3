"""Which keys do what: the bindings of a screen, and a person's own keys from the settings, checked. Knows no widget."""

from collections.abc import Mapping

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key


def declared(owner: type[DOMNode]) -> list[Binding]:
    """The bindings that a screen or widget of this program declares, its own first, then those it inherits."""
    classes = (kind for kind in owner.__mro__ if kind.__module__.startswith("tui."))
    found = (binding for kind in classes for binding in kind.__dict__.get("BINDINGS", ()))
    return [binding for binding in found if isinstance(binding, Binding)]


def shown(binding: Binding, keymap: Mapping[str, str]) -> str:
    """The keys of a binding as a person would name them."""
    keys = keymap.get(binding.id or "", binding.key)
    return " ".join(format_key(key.strip()) for key in keys.split(","))
