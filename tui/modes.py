"""The screens by name, key and place: one line each. A screen is imported when it is first opened."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.screens.frame import Frame


@dataclass(frozen=True, slots=True)
class Mode:
    """One screen: its name, the key that opens it, its title, `module:Class`, and what it is for in a sentence."""

    name: str
    key: str
    title: str
    place: str
    about: str

    def load(self) -> "type[Frame]":
        """The screen's class."""
        module, _, name = self.place.partition(":")
        found: type[Frame] = getattr(import_module(module), name)
        return found


MODES = (Mode("runs", "9", "Runs", "tui.screens.runs:RunsScreen", "Every run: state, follow, cancel, resume, log"),)
