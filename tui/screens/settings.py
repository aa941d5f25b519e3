"""Settings: what is set and where it comes from, the files, and editing them, keys and theme included."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from syncse_local.api import Workspace
from syncse_local.config import PROJECT_FILE, user_file
from syncse_local.errors import SyncseError
from syncse_local.text.display import safe
from tui import keymap
from tui.screens.editor import EditorScreen, editable
from tui.screens.frame import Frame
from tui.widgets.section import Section, lines

HELP = (
    'f edits the project\'s file, u your own. theme = "dark" or "light"; NO_COLOR is heeded. Keys: a table [keys] with '
    'lines like "run.cancel" = "C"; docs/guide/keys.md lists the ids. Changes count from the next start.'
)


class SettingsScreen(Frame):
    """The settings of `syncse doctor`."""

    MODE = "settings"
    CSS_PATH = "settings.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "edit_project", "Project file", id="settings.project"),
        Binding("u", "edit_user", "Your file", id="settings.user"),
        Binding("j,down", "scroll(1)", "Down", show=False, id="settings.down"),
        Binding("k,up", "scroll(-1)", "Up", show=False, id="settings.up"),
    ]

    def body(self) -> ComposeResult:
        """Settings, files, how to change them."""
        with VerticalScroll(id="settings", can_focus=False):
            yield Section(id="help")
            yield Section(id="files")
            yield Section(id="values")

    def on_mount(self) -> None:
        """All of it is known at once."""
        self.query_one("#help", Section).set_content(Content(HELP))
        self.query_one("#values", Section).set_content(_values(self.workspace.describe_settings()))
        self._show_files()

    def _show_files(self) -> None:
        self.act(_files, self.query_one("#files", Section).set_content, self.session.slow, "files")

    def arguments(self) -> Sequence[str]:
        """Prints the same."""
        return ("doctor",)

    def action_scroll(self, step: int) -> None:
        """Move by lines."""
        self.query_one("#settings", VerticalScroll).scroll_relative(y=2 * step, animate=False)

    def action_edit_project(self) -> None:
        """The settings of this directory."""
        self._edit((Path.cwd() / PROJECT_FILE).resolve())

    def action_edit_user(self) -> None:
        """The settings of this person."""
        self._edit(user_file())

    def _edit(self, path: Path) -> None:
        def read(text: str) -> None:
            try:
                editor = EditorScreen(
                    self.session, path, editable(text, path), lambda w, new: w.save_settings(path, new, _keys)
                )
            except SyncseError as error:
                self.show_error(error)
            else:
                self.app.push_screen(editor, lambda _: self._show_files())

        self.act(lambda workspace: workspace.settings_text(path), read)


def _keys(values: Mapping[str, Any]) -> None:
    keymap.checked(values.get("keys", {}))


def _files(_: Workspace) -> Content:
    rows = [
        ("project file", (Path.cwd() / PROJECT_FILE).resolve()),
        ("your file", user_file()),
    ]
    there = [(label, path, "" if path.exists() else "  (not there)") for label, path in rows]
    return lines(
        *(Content.assemble((f"{label:<14} ", "dim"), safe(path, 400), (note, "dim")) for label, path, note in there)
    )


def _values(settings: Mapping[str, Mapping[str, Any]]) -> Content:
    rows = []
    for name, said in settings.items():
        value = said["value"]
        shown = {True: "on", False: "off"}[value] if isinstance(value, bool) else safe(value, 200) if value else "-"
        source = "" if said["from"] == "default" else f"  from {safe(said['from'], 200)}"
        rows.append(Content.assemble((f"{safe(name, 40):<14} ", "dim"), shown, (source, "dim")))
    return lines(*rows)
