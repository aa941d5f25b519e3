"""Comparison: mark finished evaluations, start `syncse compare`, then the ranking and the intervals of each task."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widgets import DataTable, Static

from syncse_local.api import Run, Workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe
from syncse_local.text.figures import figure
from tui import comparison
from tui.arms import Marks, comparable
from tui.keys import key
from tui.labels import distinct
from tui.screens.ask import AskScreen
from tui.screens.list_frame import ListFrame, list_keys
from tui.screens.run_frame import ACT_KEYS, RunFrame
from tui.snapshot import Snapshot
from tui.widgets.arms import EVALS, ArmList, cells
from tui.widgets.detail import DetailPane
from tui.widgets.table import Column, Table
from tui.widgets.task_result import TaskResult

TASKS = (Column("task", 22), Column("items", 7, right=True, optional=24), Column("ranking", 0))
SHORT = 24
"""Characters of an arm's name where all of them stand in one line."""
PARTS = ("#choice", "#result", "#detail", "#empty")
"""One of them is to be seen."""
EMPTY = "Nothing to compare yet.\n\nA comparison is between finished evaluations. 7 evaluates an encoder."


class CompareScreen(ListFrame, RunFrame):
    """`syncse compare`."""

    MODE = FOLLOWS = "compare"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("s", "start", "Compare", "compare.start", "the line above the keys"),
        key("m", "mark", "Mark", "compare.mark", "RUN"),
        key("N", "name", "Name the arm", "compare.name", "NAME=RUN,RUN"),
        key("e", "choose_runs", "Choose arms", "compare.choose"),
        key("enter", "open", "Open", "compare.open", "the evaluation on its own screen"),
        key("f,escape", "turn_over", "The choice, or the comparison", "compare.turn", show=False),
        *ACT_KEYS,
        *list_keys("compare", "line"),
        key("J", "scroll_detail(1)", "Scroll the details down", "compare.down", show=False),
        key("K", "scroll_detail(-1)", "Scroll the details up", "compare.up", show=False),
        key("left_square_bracket", "other(1)", "An older comparison", "compare.older", show=False),
        key("right_square_bracket", "other(-1)", "A newer comparison", "compare.newer", show=False),
    ]

    _part = ""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.marks, self.choosing = Marks(), False
        self._named, self._read = "", ("", "", comparison.read({}))
        self._calibrations: Sequence[Mapping[str, Any]] | None = None

    def body(self) -> ComposeResult:
        """The choice, the comparison, or a run at work: one of them is to be seen."""
        with Container(id="choice", classes="split"):
            yield _panel(Table(EVALS, id="evals"), "Evaluations")
            with VerticalScroll(id="arms", classes="panel details", can_focus=False) as arms:
                arms.border_title = "Arms to compare"
                yield ArmList(id="chosen")
        with Container(id="result", classes="split"):
            yield _panel(Table(TASKS, id="tasks"), "Tasks")
            with VerticalScroll(id="task", classes="panel details", can_focus=False):
                yield TaskResult(id="intervals")
        yield DetailPane(id="detail")
        yield Static(EMPTY, markup=False, id="empty")

    def on_mount(self) -> None:
        """Nothing to show before the first reading."""
        for name in PARTS:
            self.query_one(name).display = False

    def on_screen_resume(self) -> None:
        """Take over runs that were chosen on another screen; look for calibrations, which come seldom."""
        for run_id in self.session.chosen.pop("compare", "").split():
            self.marks.put(run_id, "")
            self.choosing = True
        self.act(_calibrations, self._calibrated, self.session.reads, "calibrations")

    def show_run(self, run_id: str) -> None:
        """Show a comparison that another screen names."""
        self.choosing = False
        super().show_run(run_id)

    def _calibrated(self, found: Sequence[Mapping[str, Any]]) -> None:
        self._calibrations = found
        self.draw()

    # -- drawing -----------------------------------------------------------------------------------------------------

    def paint(self, snapshot: Snapshot) -> None:
        """The choice, or the comparison, or how far it is."""
        runs, run = comparable(snapshot.runs), self.run_shown
        ready = run is not None and run.state == "done" and not self.log_wanted
        choosing = self.choosing or run is None
        shown = "#empty" if choosing and not runs else "#choice" if choosing else "#result" if ready else "#detail"
        if shown != self._part:
            self._part = shown
            for name in PARTS:
                self.query_one(name).display = name == shown
            self.refresh_bindings()
        if shown == "#choice":
            self._show_choice(runs, snapshot)
        elif shown == "#result" and run is not None:
            self._show_result(run)
        if shown in ("#choice", "#result") and self.focused is not self.table:
            self.table.focus()
        super().paint(snapshot)

    @property
    def table(self) -> Table:
        """The table that the cursor moves in."""
        return self.query_one("#tasks" if self._part == "#result" else "#evals", Table)

    def _show_choice(self, runs: Sequence[Run], snapshot: Snapshot) -> None:
        now = self.session.clock()
        rows = [(run.id, cells(run, snapshot.titles.get(run.id, run.name), self.marks, now)) for run in runs]
        self.query_one("#evals", Table).show(rows)
        self.query_one(ArmList).show(self.marks, snapshot.titles, self._calibrations)

    def _show_result(self, run: Run) -> None:
        if self._read[:2] != (run.id, run.state):
            arms = self.snapshot.detail.arms if self.snapshot and self.snapshot.detail else {}
            self._read = (run.id, run.state, comparison.read(run.result, arms))
        self.query_one("#tasks", Table).show([(task.name, _task_cells(task)) for task in self._read[2].tasks])
        self._show_task()

    @on(DataTable.RowHighlighted)
    def _show_task(self) -> None:
        table, found = self.query_one("#tasks", Table), self._read[2]
        task = next((task for task in found.tasks if task.name == table.current), None)
        if task is not None:
            self.query_one("#task", VerticalScroll).border_title = Content(safe(task.name, 60))
            self.query_one(TaskResult).show(found, task)

    def arguments(self) -> Sequence[str]:
        """The command that `s` runs while arms are chosen; else how to see the same tables."""
        run = self.run_shown
        if self.choosing or run is None:
            return ("compare", *self.marks.arguments(), "--detach")
        return ("show", run.id) if run.state == "done" and not self.log_wanted else super().arguments()

    # -- keys --------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """Marks are set in the choice, and a run is acted on where it is to be seen."""
        away = {
            "#choice": ("cancel", "resume", "log", "origin", "choose_runs"),
            "#result": ("mark", "name", "cancel", "resume", "open"),
        }
        if action in away.get(self._part, ("mark", "name", "open")):
            return False
        return bool(self.table.keys) if action == "open" else super().can(action)

    def action_open(self) -> None:
        """The evaluation under the cursor on its own screen."""
        self.session.chosen["run.evaluate"] = self.table.current
        self.app.switch_mode("evaluate")

    def action_scroll_detail(self, direction: int) -> None:
        """Scroll what is below the table by half a page."""
        pane = self.query_one({"#result": "#task", "#choice": "#arms"}.get(self._part, "#detail"), VerticalScroll)
        pane.scroll_relative(y=direction * max(1, pane.size.height // 2), animate=False)

    def action_turn_over(self) -> None:
        """The choice in place of the comparison, or the other way round."""
        self.choosing = not self.choosing
        self.draw()

    def action_choose_runs(self) -> None:
        """Choose arms."""
        self.choosing = True
        self.draw()

    def action_mark(self) -> None:
        """Mark the evaluation under the cursor, or take its mark away."""
        self.marks.toggle(self.table.current)
        self.draw()

    async def action_name(self) -> None:
        """Give the evaluation under the cursor to an arm by name."""
        run_id = self.table.current

        def named(name: str | None) -> None:
            if name:
                self._named = name
                self.marks.put(run_id, name)
                self.draw()

        given = self.marks.name(run_id) or self._named
        title = self.snapshot.titles.get(run_id, run_id) if self.snapshot else run_id
        await self.app.push_screen(AskScreen(f"The arm that this is a seed of: {safe(title)}", given), named)

    def action_start(self) -> None:
        """Compare the arms, once they were seen; the command says what is wrong with them."""
        if not self.choosing and self.run_shown is not None:
            self.action_choose_runs()
            self.app.notify("These arms would be compared: s again compares them.", timeout=4)
            return
        given, arms = self.arguments(), len(self.marks.arguments())
        if arms < 2:
            detail = f"{arms or 'No'} arm{'s' * (arms != 1)} marked. A comparison needs two or more."
            hint = "m marks an evaluation, N names its arm."
            self.show_error(SyncseError("Compare with what?", detail, hint, ExitCode.USAGE))
            return
        self.app.notify("Comparing…", timeout=2)
        self.act(lambda workspace: workspace.command(given), self._started)

    def _started(self, documents: list[dict[str, Any]]) -> None:
        self.choosing = False
        self.choose(next((str(said["run"]) for said in documents if "run" in said), ""))


def _panel(table: Table, title: str) -> Table:
    table.add_class("panel", "list")
    table.border_title = title
    return table


def _calibrations(workspace: Workspace) -> Sequence[Mapping[str, Any]]:
    return workspace.calibrations()


def _task_cells(task: comparison.Task) -> Sequence[str]:
    """Tiers in one line: `1 mine  2 base, other`."""
    arms = [safe(arm) for tier in task.tiers for arm in tier]
    names = dict(zip(arms, distinct(arms, SHORT), strict=True))
    tiers = [", ".join(names[safe(arm)] for arm in tier) for tier in task.tiers]
    alone = len(tiers) == 1 and len(task.tiers[0]) > 1
    ranking = f"≈ cannot tell: {tiers[0]}" if alone else "  ".join(f"{at} {tier}" for at, tier in enumerate(tiers, 1))
    return (safe(task.name, 60), figure(task.items), ranking)
