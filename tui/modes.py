"""The screens by name, key and place: one line each. A screen is imported when it is first opened."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.screens.frame import Frame


@dataclass(frozen=True, slots=True)
class Mode:
    """One screen: its name, the key that opens it, its title, `module:Class`, and what it is for in a sentence.

    `short` is its title where there is little room.
    """

    name: str
    key: str
    title: str
    place: str
    about: str
    short: str = ""

    def load(self) -> "type[Frame]":
        """The screen's class."""
        module, _, name = self.place.partition(":")
        found: type[Frame] = getattr(import_module(module), name)
        return found


MODES = (
    Mode("home", "1", "Home", "tui.screens.home:HomeScreen", "The workspace, the tour, what to do next"),
    Mode("models", "2", "Models", "tui.screens.models:ModelsScreen", "Models on this machine, and whether they fit"),
    Mode("recipes", "3", "Recipes", "tui.screens.recipes:RecipesScreen", "Browse, copy, edit and preview recipes"),
    Mode("generate", "4", "Generate", "tui.screens.generate:GenerateScreen", "Write triplets with a model", "Gen"),
    Mode("triplets", "5", "Triplets", "tui.screens.triplets:TripletsScreen", "Browse, search and review triplets"),
    Mode("train", "6", "Train", "tui.screens.train:TrainScreen", "Train a sentence encoder on triplets"),
    Mode("evaluate", "7", "Evaluate", "tui.screens.evaluate:EvaluateScreen", "Score an encoder", "Eval"),
    Mode(
        "compare",
        "8",
        "Compare",
        "tui.screens.compare:CompareScreen",
        "Say which encoder is better, or that nobody can tell",
    ),
    Mode("runs", "9", "Runs", "tui.screens.runs:RunsScreen", "Every run: follow, cancel, resume, log"),
    Mode("settings", "0", "Settings", "tui.screens.settings:SettingsScreen", "Settings, files, keys and themes", "Set"),
)
