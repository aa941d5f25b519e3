"""Dialogs and widgets with keys of their own, by title: the key list and the remapping of keys go through them."""

from textual.dom import DOMNode

from tui.screens.ask import AskScreen
from tui.screens.choose import ChooseScreen
from tui.screens.editor import EditorScreen
from tui.screens.error import ErrorScreen
from tui.screens.help import HelpScreen
from tui.screens.rewrite import RewriteScreen
from tui.widgets.form import Form

DIALOGS: dict[str, type[DOMNode]] = {
    "Help": HelpScreen,
    "Error": ErrorScreen,
    "Question": AskScreen,
    "Choice": ChooseScreen,
    "Rewriting": RewriteScreen,
    "Editor": EditorScreen,
    "Form": Form,
}
