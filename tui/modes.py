"""The screens by name, key and place: one line each. A screen is imported when it is first opened."""

from dataclasses import dataclass
from importlib import import_module

from textual.dom import DOMNode


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


def load(place: str) -> type[DOMNode]:
    """The class at `module:Class`."""
    module, _, name = place.partition(":")
    found: type[DOMNode] = getattr(import_module(module), name)
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

APP = "tui.app:SyncseApp"
DIALOGS = {
    "Help": "tui.screens.help:HelpScreen",
    "Error": "tui.screens.error:ErrorScreen",
    "Question": "tui.screens.ask:AskScreen",
    "Choice": "tui.screens.choose:ChooseScreen",
    "Rewriting": "tui.screens.rewrite:RewriteScreen",
    "Editor": "tui.screens.editor:EditorScreen",
    "Form": "tui.widgets.form:Form",
}
"""The program, and the dialogs and widgets with keys of their own by title: the key list and the remapping of keys read them."""
