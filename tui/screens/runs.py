"""The runs of the workspace in a table, and the chosen one followed live."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static

from tui.screens.run_frame import RUN_KEYS, RunFrame
from tui.snapshot import Snapshot
from tui.widgets.detail import DetailPane
from tui.widgets.run_table import RunTable

EMPTY = (
    "No runs yet.\n\nPress 1, then s: the starter run.\nIn another terminal:  syncse run\n\nIt appears here by itself."
)


class RunsScreen(RunFrame):
    """Lists runs and follows one."""

    MODE = "runs"
    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next run", show=False, id="runs.next"),
        Binding("k,up", "move(-1)", "Previous run", show=False, id="runs.previous"),
        *RUN_KEYS,
    ]

    def body(self) -> ComposeResult:
        """Table and details."""
        yield RunTable(id="runs")
        yield DetailPane(id="detail")
        yield Static(EMPTY, markup=False, id="empty")

    def on_mount(self) -> None:
        """Nothing to show before the first reading."""
        for name in ("#runs", "#detail", "#empty"):
            self.query_one(name).display = False

    def paint(self, snapshot: Snapshot) -> None:
        """Table and details, or what to do where there is no run."""
        table, filled = self.query_one(RunTable), bool(snapshot.runs)
        table.display = self.query_one(DetailPane).display = filled
        self.query_one("#empty").display = not filled
        if filled and self.focused is None:
            table.focus()
        table.show(snapshot.runs, self.session.clock())
        if snapshot.detail is None or snapshot.detail.run.id == table.current:
            super().paint(snapshot)

    def arguments(self) -> Sequence[str]:
        """How to follow the run shown, or to list them all."""
        return super().arguments() or ("runs",)

    @on(DataTable.RowHighlighted)
    def _chosen(self, event: DataTable.RowHighlighted) -> None:
        """The cursor stands on another run: follow that one. The table is asked, for messages may come late."""
        table = event.data_table
        if isinstance(table, RunTable) and table.current != self.selected:
            self.choose(table.current)

    def action_move(self, by: int) -> None:
        """Move the table's cursor."""
        table = self.query_one(RunTable)
        table.move_cursor(row=table.cursor_row + by, animate=False)
