"""The runs of the workspace in a table, and the chosen one followed live.

Knows when to read again and which key does what; all reading and acting happens behind a Door, never in this loop.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from syncse_local.api import OPEN, RESUMABLE, Run, Workspace
from syncse_local.errors import SyncseError
from tui.door import STORE_ERRORS, Door
from tui.reading import Reader, View
from tui.screens.help import HelpScreen
from tui.widgets.detail import DetailPane
from tui.widgets.masthead import Masthead
from tui.widgets.runtable import RunTable
from tui.widgets.section import Section
from tui.widgets.text import command, safe

POLL_SECONDS = 0.1
HEARTBEAT_SECONDS = 1.0
EMPTY = "No runs yet.\n\nIn another terminal:  syncse run\n\nIt appears here by itself."


class RunsScreen(Screen[None]):
    """Lists runs and follows one. `clock` gives seconds since 1970."""

    CSS_PATH = "runs.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (150, "-wide")]  # noqa: RUF012 (declared so by Screen)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (36, "-tall")]  # noqa: RUF012 (declared so by Screen)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Next run", show=False, id="runs.next"),
        Binding("k,up", "move(-1)", "Previous run", show=False, id="runs.previous"),
        Binding("J,space", "scroll_detail(1)", "Scroll the details down", show=False, id="runs.detail-down"),
        Binding("K", "scroll_detail(-1)", "Scroll the details up", show=False, id="runs.detail-up"),
        Binding("c", "cancel", "Cancel", tooltip="syncse cancel RUN", id="runs.cancel"),
        Binding("r", "resume", "Resume", tooltip="syncse resume RUN --detach", id="runs.resume"),
        Binding("l", "log", "Log", tooltip="syncse show RUN --log", id="runs.log"),
        Binding("y", "copy", "Copy command", tooltip="syncse show RUN --follow", id="runs.copy"),
        Binding("question_mark", "help", "Help", id="runs.help"),
    ]

    def __init__(self, workspace: Workspace, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.workspace, self.clock = workspace, clock
        self.view: View | None = None
        self._reader = Reader()
        self._reads = Door(workspace.directory, workspace.settings)
        self._acts = Door(workspace.directory, workspace.settings)
        self._wake = asyncio.Event()
        self._version, self._changed, self._asked = -1, True, 0.0
        self._selected, self._log, self._trouble = "", False, ""
        self._offered: tuple[str, str] | None = None

    def compose(self) -> ComposeResult:
        """Table, details, the command line that does the same, keys."""
        yield Masthead(id="masthead")
        with Container(id="body"):
            yield RunTable(id="runs")
            yield DetailPane(id="detail")
            yield Static(EMPTY, markup=False, id="empty")
        yield Section(id="command")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Start following."""
        self._arrange()
        self.set_interval(POLL_SECONDS, self._poll)
        self.run_worker(self._follow(), name="follow")
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw())

    def on_unmount(self) -> None:
        """Let go of the store; runs go on."""
        self._reads.close()
        self._acts.close()

    # -- following ---------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        """Wake the reader when the store has changed, and once a second for what changes without it."""
        try:
            version = self.workspace.data_version()
        except STORE_ERRORS as error:
            self._complain(error)
            return
        if version != self._version:
            self._version, self._changed = version, True
            self._wake.set()
        elif time.monotonic() - self._asked >= HEARTBEAT_SECONDS:
            self._wake.set()

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            changed, self._changed, self._asked = self._changed, False, time.monotonic()
            read = partial(self._reader.read, selected=self._selected, changed=changed, log=self._log)
            try:
                self.view = await self._reads.call(read)
            except STORE_ERRORS as error:
                self._changed = True
                self._complain(error)
            else:
                self._trouble = ""
                self._draw()

    def _complain(self, error: Exception) -> None:
        self._trouble = f"{error.title}: {error.detail}" if isinstance(error, SyncseError) else f"Cannot read: {error}"
        self._draw()

    # -- drawing -----------------------------------------------------------------------------------------------------

    @property
    def run_shown(self) -> Run | None:
        """The run whose details are on the screen."""
        return self.view.detail.run if self.view and self.view.detail else None

    def _draw(self) -> None:
        with suppress(NoMatches):  # on closing, the widgets go before the last reading has come back
            self._paint()

    def _paint(self) -> None:
        view, now = self.view, self.clock()
        runs = None if view is None else view.runs
        self.query_one(Masthead).show(self.workspace.directory, runs, self.workspace.settings.airgap, self._trouble)
        self._arrange()
        if view is None:
            return
        table = self.query_one(RunTable)
        table.show(view.runs, now)
        if view.detail is not None and view.detail.run.id in ("", table.current):
            self.query_one(DetailPane).show(view.detail, now)
            self.query_one("#command", Section).put(Content.styled(f"$ {self._command()}", "dim"))
        run = self.run_shown
        offered = (run.id, run.state) if run else None
        if offered != self._offered:  # the footer is composed anew each time
            self._offered = offered
            self.refresh_bindings()

    def _arrange(self) -> None:
        filled = bool(self.view and self.view.runs)
        self.query_one(RunTable).display = self.query_one(DetailPane).display = filled
        self.query_one("#empty").display = self.view is not None and not filled
        if filled and self.focused is None:
            self.query_one(RunTable).focus()

    def _command(self) -> str:
        run = self.run_shown
        return command("show", run.id, self.workspace.directory, "--follow") if run else ""

    # -- keys --------------------------------------------------------------------------------------------------------

    @on(DataTable.RowHighlighted)
    def _chosen(self, event: DataTable.RowHighlighted) -> None:
        """The cursor stands on another run: follow that one. The table is asked, for messages may come late."""
        table = event.data_table
        if isinstance(table, RunTable) and table.current != self._selected:
            self._selected = table.current
            for pane in self.query(DetailPane):
                pane.scroll_home(animate=False)
            self._wake.set()

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
        pane = self.query_one(DetailPane)
        pane.scroll_relative(y=direction * max(1, pane.size.height // 2), animate=False)

    def action_log(self) -> None:
        """Show the end of the log in place of the events, or the events again."""
        self._log = not self._log
        self.query_one(DetailPane).anchor(self._log)
        self._wake.set()

    def action_copy(self) -> None:
        """Put the command line on the terminal's clipboard (OSC 52)."""
        if line := self._command():
            self.app.copy_to_clipboard(line)
            self.app.notify(line, title="Copied", timeout=2, markup=False)

    def action_help(self) -> None:
        """List the keys."""
        own = [binding for binding in self.BINDINGS + self.app.BINDINGS if isinstance(binding, Binding)]
        palette = Binding(self.app.COMMAND_PALETTE_BINDING, "command_palette", "All commands, themes, screenshot")
        self.app.push_screen(HelpScreen([*own, palette]))

    def action_cancel(self) -> None:
        """One step of the cancel ladder for the run shown."""
        run = self.run_shown
        if run is not None:
            self._act(lambda door: door.cancel(run.id))

    def action_resume(self) -> None:
        """Go on with the run shown."""
        run = self.run_shown
        if run is not None:
            self._act(lambda door: door.resume(run.id))

    def _act(self, work: Callable[[Workspace], object]) -> None:
        """Do it on the other thread. The run itself shows that it worked; only a refusal needs words."""

        async def act() -> None:
            try:
                await self._acts.call(work)
            except SyncseError as error:
                message = f"{safe(error.detail)}\n{safe(error.hint)}"
                self.app.notify(message, title=safe(error.title), severity="error", markup=False)
            except STORE_ERRORS as error:
                self.app.notify(safe(error), title="The workspace could not be used", severity="error", markup=False)
            self._reader.hurry()
            self._changed = True
            self._wake.set()

        self.run_worker(act(), group="act")
