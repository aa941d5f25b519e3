"""Settings: each with its value, what it is for and where it comes from; editing the files, keys and theme included."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import DataTable

from syncse_local.api import Workspace
from syncse_local.config import ABOUT, PROJECT_FILE, load, user_file
from syncse_local.errors import SyncseError
from syncse_local.text.display import safe
from tui import keymap, themes
from tui.command import place
from tui.keys import key
from tui.screens.editor import EditorScreen, editable
from tui.screens.list_frame import ListFrame, list_keys
from tui.widgets.section import Section, lines
from tui.widgets.table import Cell, Column, Table

COLUMNS = (Column("setting", 14), Column("value", 0, prose=True), Column("from", 14, optional=20))
NEXT_START = ("workspace", "airgap")
"""Settings that a program at work cannot change: its store is open, and its guard is set before anything is imported."""


class SettingsScreen(ListFrame):
    """The settings of `syncse doctor`."""

    MODE = "settings"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "open", "Edit it", "settings.open", "in your file, or where it is set"),
        key("e", "edit_user", "Your file", "settings.user", "an editor; what is saved was checked first"),
        key("E", "edit_project", "This directory's file", "settings.project", "an editor"),
        *list_keys("settings", "setting"),
    ]

    def body(self) -> ComposeResult:
        """The settings, and all about the one under the cursor."""
        table = Table(COLUMNS, id="settings")
        table.add_class("panel", "list")
        table.border_title = "Settings"
        yield table
        with VerticalScroll(id="setting", classes="panel details", can_focus=False):
            yield Section(id="about")
            yield Section(id="files", title="Files, the stronger last")

    def on_mount(self) -> None:
        """All of it is known at once."""
        self._show()
        self.table.focus()

    def _show(self) -> None:
        settings = self.workspace.describe_settings()
        self.table.show([(name, _cells(name, said)) for name, said in settings.items()])
        self.act(_files, self.query_one("#files", Section).set_content, self.session.slow, "files")
        self._show_one()

    @on(DataTable.RowHighlighted)
    def _show_one(self) -> None:
        name = self.table.current
        said = self.workspace.describe_settings().get(name)
        if said is not None:
            self.query_one("#setting", VerticalScroll).border_title = Content(safe(name))
            self.query_one("#about", Section).set_content(_about(name, said))

    def arguments(self) -> tuple[str, ...]:
        """Prints the same."""
        return ("doctor",)

    def action_open(self) -> None:
        """Edit the setting under the cursor, in the file that sets it or in one's own."""
        name = self.table.current
        source = self.workspace.describe_settings().get(name, {}).get("from")
        project = _project_file()
        self._edit(project if source == str(project) else user_file(), name)

    def action_edit_project(self) -> None:
        """The settings of this directory."""
        self._edit(_project_file())

    def action_edit_user(self) -> None:
        """The settings of this person."""
        self._edit(user_file())

    def _edit(self, path: Path, name: str = "") -> None:
        check = partial(_check, themes={*themes.ALIASES, *self.app.available_themes})

        def read(text: str) -> None:
            try:
                checked = editable(text, path)
            except SyncseError as error:
                self.show_error(error)
                return
            editor = EditorScreen(self.session, path, checked, lambda w, new: w.save_settings(path, new, check), name)
            self.app.push_screen(editor, self._edited)

        self.act(lambda workspace: workspace.settings_text(path), read)

    def _edited(self, saved: bool | None) -> None:
        """What was saved counts at once, but for what a program at work cannot change."""
        if not saved:
            return
        before = self.workspace.settings
        flags = {name: getattr(before, name) for name, source in before.origin.items() if source == "a flag"}
        try:
            found = load(flags)
        except SyncseError as error:
            self.show_error(error)
            return
        late = [name for name in NEXT_START if getattr(found, name) != getattr(before, name)]
        self.session.apply(found)
        if late:
            self.app.notify(f"{', '.join(late)} will count from the next start.", timeout=6)
        self._show()


def _project_file() -> Path:
    return (Path.cwd() / PROJECT_FILE).resolve()


def _check(values: Mapping[str, Any], themes: set[str]) -> None:
    keymap.checked(values.get("keys", {}))
    keymap.checked_theme(str(values.get("theme", "")), themes)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return safe(value, 400) if value else "-"


def _cells(name: str, said: Mapping[str, Any]) -> tuple[Cell, ...]:
    source = str(said["from"])
    shown = "" if source == "default" else Path(source).name if "/" in source else source
    return (name, _value(said["value"]), (safe(shown, 40), "text-muted"))


def _about(name: str, said: Mapping[str, Any]) -> Content:
    rows = [("value", _value(said["value"])), ("from", safe(said["from"], 400))]
    facts = [Content.assemble((f"{label:<6} ", "$text-muted"), value) for label, value in rows]
    return lines(Content(f"{ABOUT.get(name, '')[:1].upper()}{ABOUT.get(name, '')[1:]}."), *facts)


def _files(_: Workspace) -> Content:
    rows = [("your file", user_file()), ("this directory", _project_file())]
    there = [(label, path, "" if path.exists() else "  (not there: e or E begins it)") for label, path in rows]
    return lines(
        *(
            Content.assemble((f"{label:<15} ", "$text-muted"), place(path), (note, "$text-muted"))
            for label, path, note in there
        ),
        Content.styled("The environment (SYNCSE_NAME) and flags are stronger than both.", "$text-muted"),
    )
