"""The runs of the workspace in a table, and the chosen one followed live. Knows which key does what to a run."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static

from syncse_local.api import OPEN, RESUMABLE, Run
from tui.reading import View
from tui.screens.frame import Frame
from tui.widgets.detail import DetailPane
from tui.widgets.runtable import RunTable

EMPTY = (
    "No runs yet.\n\nPress 1, then s: the starter run.\nIn another terminal:  syncse run\n\nIt appears here by itself."
)


class RunsScreen(Frame):
    """Lists runs and follows one."""

    MODE = "runs"
    FOLLOWS = ""
    CSS_PATH = "runs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next run", show=False, id="runs.next"),
        Binding("k,up", "move(-1)", "Previous run", show=False, id="runs.previous"),
        Binding("J,space", "scroll_detail(1)", "Scroll the details down", show=False, id="runs.detail-down"),
        Binding("K", "scroll_detail(-1)", "Scroll the details up", show=False, id="runs.detail-up"),
        Binding("c", "cancel", "Cancel", tooltip="syncse cancel RUN", id="runs.cancel"),
        Binding("r", "resume", "Resume", tooltip="syncse resume RUN --detach", id="runs.resume"),
        Binding("l", "log", "Log", tooltip="syncse show RUN --log", id="runs.log"),
    ]
    _offered: tuple[str, str] | None = None

    def body(self) -> ComposeResult:
        """Table and details."""
        yield RunTable(id="runs")
        yield DetailPane(id="detail")
        yield Static(EMPTY, markup=False, id="empty")

    def on_mount(self) -> None:
        """Nothing to show before the first reading."""
        for name in ("#runs", "#detail", "#empty"):
            self.query_one(name).display = False

    @property
    def run_shown(self) -> Run | None:
        """The run whose details are on the screen."""
        return self.view.detail.run if self.view and self.view.detail else None

    def paint(self, view: View) -> None:
        """Table and details, or what to do where there is no run."""
        self._arrange(bool(view.runs))
        table, now = self.query_one(RunTable), self.desk.clock()
        table.show(view.runs, now)
        if view.detail is not None and view.detail.run.id in ("", table.current):
            self.query_one(DetailPane).show(view.detail, now)
        run = self.run_shown
        offered = (run.id, run.state) if run else None
        if offered != self._offered:  # the footer is composed anew each time
            self._offered = offered
            self.refresh_bindings()

    def _arrange(self, filled: bool) -> None:
        self.query_one(RunTable).display = self.query_one(DetailPane).display = filled
        self.query_one("#empty").display = not filled
        if filled and self.focused is None:
            self.query_one(RunTable).focus()

    def words(self) -> Sequence[str]:
        """How to follow the run shown."""
        run = self.run_shown
        return ("show", run.id, "--log" if self.log_wanted else "--follow") if run else ()

    # -- keys --------------------------------------------------------------------------------------------------------

    @on(DataTable.RowHighlighted)
    def _chosen(self, event: DataTable.RowHighlighted) -> None:
        """The cursor stands on another run: follow that one. The table is asked, for messages may come late."""
        table = event.data_table
        if isinstance(table, RunTable) and table.current != self.selected:
            self.selected = table.current
            for pane in self.query(DetailPane):
                pane.scroll_home(animate=False)
            self.look_again()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done to the run shown."""
        run = self.run_shown
        if action in ("log", "copy"):
            return True if run else None
        wanted = {"cancel": OPEN, "resume": RESUMABLE}.get(action)
        return True if wanted is None or (run is not None and run.state in wanted) else None

    def action_move(self, by: int) -> None:
        """Move the table's cursor."""
        table = self.query_one(RunTable)
        table.move_cursor(row=table.cursor_row + by, animate=False)

    def action_scroll_detail(self, direction: int) -> None:
        """Scroll the details by half a page."""
        self.query_one(DetailPane).turn(direction)

    def action_log(self) -> None:
        """Show the end of the log in place of the events, or the events again."""
        self.log_wanted = not self.log_wanted
        self.query_one(DetailPane).anchor(self.log_wanted)
        self.look_again()

    def action_cancel(self) -> None:
        """One step of the cancel ladder for the run shown."""
        run = self.run_shown
        if run is not None:
            self.act(lambda workspace: workspace.cancel(run.id))

    def action_resume(self) -> None:
        """Go on with the run shown."""
        run = self.run_shown
        if run is not None:
            self.act(lambda workspace: workspace.resume(run.id))
