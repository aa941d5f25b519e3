"""The dialogs that lie over a screen, by title: what the key list and the remapping of keys go through."""

from textual.dom import DOMNode

from tui.screens.error import ErrorScreen
from tui.screens.help import HelpScreen

DIALOGS: dict[str, type[DOMNode]] = {
    "Help": HelpScreen,
    "Error": ErrorScreen,
}
