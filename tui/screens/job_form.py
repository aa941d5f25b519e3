"""A screen that starts runs of one kind and follows them: a form or the list of its runs, and the chosen run's live view.

Knows the form and the keys; what a verb takes is said by the screens that inherit it.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.widgets import DataTable, Static

from syncse_local.api import OPEN
from tui.keys import key
from tui.screens.list_frame import ListFrame, list_keys
from tui.screens.run_frame import RUN_KEYS, RunFrame
from tui.snapshot import Snapshot
from tui.widgets.detail import DetailPane
from tui.widgets.form import Field, Form, words
from tui.widgets.memory import Memory
from tui.widgets.run_rows import RUN_COLUMNS, run_rows
from tui.widgets.table import Table
from tui.work import start
from tui.workspace_thread import STORE_ERRORS

MACHINE_SECONDS = 3.0
"""Between two looks at the machine's memory: asking a GPU driver may take a second."""


class JobScreen(ListFrame, RunFrame):
    """`VERB` with `FIELDS` starts a run of the kind `FOLLOWS`."""

    VERB: ClassVar[str] = ""
    FIELDS: ClassVar[Sequence[Field]] = ()
    EMPTY: ClassVar[str] = ""
    CSS_PATH = "job.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("s", "start", "Start", "job.start", "the line above the keys"),
        key("e", "edit", "New run", "job.edit", "into the form"),
        key("f,escape", "form", "Show the form, or put it away", "job.form", show=False),
        *RUN_KEYS,
        *list_keys("job", "run"),
        key("left_square_bracket", "move(1)", "An older run", "job.older", show=False),
        key("right_square_bracket", "move(-1)", "A newer run", "job.newer", show=False),
    ]

    form_open = False

    def body(self) -> ComposeResult:
        """Form or list, and the live view."""
        form = Form(self.FIELDS, id="form")
        form.add_class("panel", "list")
        form.border_title = "New run"
        yield form
        table = Table(RUN_COLUMNS, id="runs")
        table.add_class("panel", "list")
        table.border_title = "Runs"
        yield table
        yield DetailPane(id="detail")
        yield Static(self.EMPTY, markup=False, id="empty")

    def on_mount(self) -> None:
        """Look at the machine's memory now and then while a run is at work."""
        self.query_one(DetailPane).display = self.query_one("#empty").display = False  # which of them is not known yet
        self.set_interval(MACHINE_SECONDS, self._look_at_machine)

    def on_screen_resume(self) -> None:
        """Take over what was chosen on another screen."""
        for field in self.FIELDS:
            with suppress(NoMatches):
                if field.name in self.session.chosen:
                    self.query_one(Form).fill(field.name, self.session.chosen.pop(field.name))
                    self.form_open = True

    def show_run(self, run_id: str) -> None:
        """Follow a run that another screen names, without the form."""
        self.form_open = False
        super().show_run(run_id)

    def paint(self, snapshot: Snapshot) -> None:
        """The form, or the run; the form stays until a run is started or it is put away."""
        shown = snapshot.detail is not None
        self.query_one(DetailPane).display = shown
        self.query_one("#empty").display = not shown
        self.set_class(self.form_open or not shown, "-form")
        runs = [run for run in snapshot.runs if run.kind == self.FOLLOWS]
        self.table.show(run_rows(runs, snapshot.titles, self.session.clock()))
        if snapshot.detail is not None and self.table.current != snapshot.detail.run.id:
            with self.prevent(DataTable.RowHighlighted):
                self.table.select(snapshot.detail.run.id)
        super().paint(snapshot)

    @on(DataTable.RowHighlighted)
    def _chosen(self) -> None:
        """The cursor stands on another run: follow that one."""
        run = self.run_shown
        if run is not None and self.table.current not in ("", run.id):
            self.choose(self.table.current)

    def arguments(self) -> Sequence[str]:
        """The command that `s` runs while the form is open; else how to follow the run."""
        return self.start_arguments() if self.form_open or self.run_shown is None else super().arguments()

    def start_arguments(self) -> list[str]:
        """The arguments that start a run with what the form says."""
        form = self.query_one(Form)
        return [self.VERB, *words(form.fields, form.values), "--detach"]

    @on(Form.Changed)
    def _form_changed(self) -> None:
        self.draw()

    # -- keys --------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Moving needs runs to move between."""
        return bool(self.table.keys) if action in ("move", "find") else super().can(action)

    async def action_edit(self) -> None:
        """Into the form."""
        self.form_open = True
        self.draw()
        self.query_one(Form).enter()

    def action_form(self) -> None:
        """Put the form away, or show it."""
        self.form_open = not self.form_open
        self.draw()

    async def action_start(self) -> None:
        """Start a run with what the form says, once it was seen; the command says what is wrong with it."""
        if not self.has_class("-form"):
            self.action_form()
            self.app.notify("This is what would start: s again starts it, e edits.", timeout=4)
            return
        given = self.start_arguments()
        self.app.notify("Starting…", timeout=2)
        self.act(lambda workspace: workspace.command(given), self._started)

    def _started(self, documents: list[dict[str, Any]]) -> None:
        self.form_open = False
        self.choose(next((str(said["run"]) for said in documents if "run" in said), ""))

    # -- memory ------------------------------------------------------------------------------------------------------

    def _look_at_machine(self) -> None:
        run = self.run_shown
        if run is not None and run.state in OPEN and self in self.app.screen_stack:
            start(self, self._read_machine, "machine", exclusive=True)

    async def _read_machine(self) -> None:
        with suppress(NoMatches, *STORE_ERRORS):
            self.query_one(Memory).show(await self.session.slow.call(lambda workspace: workspace.machine()))
