"""Which keys do what: how a binding is declared, which ones a screen has, how its keys are written. Knows no screen.

Every key of a screen is bound with priority: the program then finishes one key before it looks at the next, so that a
burst of keys, as from a paste, opens a dialog first and types into it then. While a line is typed, they are off.
"""

from collections.abc import Mapping

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key


def key(keys: str, action: str, does: str, id: str, command: str = "", show: bool = True) -> Binding:
    """A binding of a screen; `command` is the command line that does the same, or what else there is to say."""
    return Binding(keys, action, does, show, priority=True, tooltip=command, id=id)


def declared(owner: type[DOMNode]) -> list[Binding]:
    """The bindings that a screen or widget of this program declares, its own first, then those it inherits."""
    classes = (kind for kind in owner.__mro__ if kind.__module__.startswith("tui."))
    found = (binding for kind in classes for binding in kind.__dict__.get("BINDINGS", ()))
    return [binding for binding in found if isinstance(binding, Binding)]


def shown(binding: Binding, keymap: Mapping[str, str]) -> str:
    """The keys of a binding as a person would name them."""
    keys = keymap.get(binding.id or "", binding.key)
    return " ".join(format_key(key.strip()) for key in keys.split(","))
