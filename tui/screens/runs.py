"""The runs of the workspace in a table, and the chosen one followed live."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import DataTable, Static

from tui.keys import key
from tui.screens.list_frame import ListFrame, list_keys
from tui.screens.run_frame import RUN_KEYS, RunFrame
from tui.snapshot import Snapshot
from tui.widgets.detail import DetailPane
from tui.widgets.run_rows import RUN_COLUMNS, run_rows
from tui.widgets.table import Table

EMPTY = "No runs yet.\n\nRuns stand here from their start on, whoever starts them: 1 opens Home, where the first one is one key away."


class RunsScreen(ListFrame, RunFrame):
    """Lists runs and follows one."""

    MODE = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "open", "Open", "runs.open", "on the screen of its kind"),
        *RUN_KEYS,
        *list_keys("runs", "run"),
    ]

    def body(self) -> ComposeResult:
        """Table and details."""
        table = Table(RUN_COLUMNS, id="runs")
        table.add_class("panel", "list")
        table.border_title = "Runs"
        yield table
        yield DetailPane(id="detail")
        yield Static(EMPTY, markup=False, id="empty")

    def on_mount(self) -> None:
        """Nothing to show before the first reading."""
        for name in ("#runs", "#detail", "#empty"):
            self.query_one(name).display = False

    def paint(self, snapshot: Snapshot) -> None:
        """Table and details, or what to do where there is no run."""
        table, filled = self.table, bool(snapshot.runs)
        table.display = self.query_one(DetailPane).display = filled
        self.query_one("#empty").display = not filled
        if filled and self.focused is None:
            table.focus()
        table.show(run_rows(snapshot.runs, snapshot.titles, self.session.clock()))
        if snapshot.detail is None or snapshot.detail.run.id == table.current:
            super().paint(snapshot)

    def arguments(self) -> Sequence[str]:
        """How to follow the run shown, or to list them all."""
        return super().arguments() or ("runs",)

    @on(DataTable.RowHighlighted)
    def _chosen(self) -> None:
        """The cursor stands on another run: follow that one. The table is asked, for messages may come late."""
        if self.table.current != self.selected:
            self.choose(self.table.current)
