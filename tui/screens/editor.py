"""Edits one text file; what is saved was checked first. Knows nothing of what the text means."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import TextArea

from syncse_local.api import Workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import hidden, safe
from tui.screens.error import ErrorScreen
from tui.session import Session
from tui.widgets.key_bar import KeyBar
from tui.widgets.section import Section
from tui.work import start
from tui.workspace_thread import STORE_ERRORS

Save = Callable[[Workspace, str], object]


def editable(text: str, path: Path | str) -> str:
    """The text. Raises SyncseError for one with hidden characters, which a text field would obey, not show."""
    for char in text:
        if char not in "\n\t" and hidden(char):
            detail = f"{path} has the character U+{ord(char):04X}, which cannot be seen."
            raise SyncseError("Not edited here", detail, "Take it out with another editor.", ExitCode.PREFLIGHT)
    return text


class EditorScreen(ModalScreen[bool]):
    """Comes back with whether anything was saved. `save` raises SyncseError for a text that is not sound."""

    CSS_PATH = "editor.tcss"
    AUTO_FOCUS = ""  # a dialog that closes must not put the cursor back into the text
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "escape", "Out of the text; again: close", id="editor.escape"),
        Binding("s", "save", "Save", id="editor.save"),
        Binding("e", "edit", "Edit on", id="editor.edit"),
        Binding("x", "discard", "Close without saving", id="editor.discard"),
    ]

    def __init__(self, session: Session, path: Path, text: str, save: Save, at: str = "") -> None:
        super().__init__()
        self.session, self.path, self.text, self._save, self.at = session, path, text, save, at
        self.saved = False

    def compose(self) -> ComposeResult:
        """The file's name, the text, keys."""
        yield Section(id="file")
        yield TextArea(self.text, show_line_numbers=True, soft_wrap=False, id="text")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Name the file, ready to type, at the line that begins with `at`, or a comment of it."""
        area = self.query_one(TextArea)
        area.focus()
        wanted = (f"{self.at} =", f"# {self.at} =", f"[{self.at}]", f"# [{self.at}]")
        line = next((n for n, text in enumerate(self.text.splitlines()) if self.at and text.startswith(wanted)), 0)
        area.move_cursor((line, 0))
        self._say("escape leaves the text, then s saves")

    def _say(self, words: str) -> None:
        self.query_one("#file", Section).set_content(
            Content.assemble((safe(self.path, 400), "bold"), (f"  {words}", "$text-muted"))
        )

    @property
    def changed(self) -> bool:
        """Whether the text differs from what was saved last."""
        return self.query_one(TextArea).text != self.text

    def action_escape(self) -> None:
        """Give the keys back to the screen; from there, close unless something would be lost."""
        if self.focused is not None:
            self.set_focus(None)
            self._say("s saves, e edits on, escape closes")
        elif self.changed:
            self._say("Not saved: s saves, x closes without saving")
        else:
            self.dismiss(self.saved)

    def action_edit(self) -> None:
        """Back into the text."""
        self.query_one(TextArea).focus()

    def action_discard(self) -> None:
        """Close; what was typed is lost."""
        self.dismiss(self.saved)

    def action_save(self) -> None:
        """Check and write on another thread; what is wrong is said, and the text stays as it is."""
        text = self.query_one(TextArea).text

        async def go() -> None:
            try:
                await self.session.acts.call(lambda workspace: self._save(workspace, text))
            except SyncseError as error:
                self.app.push_screen(ErrorScreen(error))
            except STORE_ERRORS as error:
                self.app.push_screen(ErrorScreen(SyncseError("Not saved", f"{error}.", "Check the disk.")))
            else:
                self.text, self.saved = text, True
                self._say("Saved. e edits on, escape closes")

        start(self, go, "save", exclusive=True)
