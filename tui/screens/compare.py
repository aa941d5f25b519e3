"""Comparison: mark finished evaluations, start `syncse compare`, then the ladder and the intervals of each task."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.widgets import DataTable, Static

from syncse_local.api import Run, Workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe, shortened
from syncse_local.text.figures import figure
from tui import comparison
from tui.arms import Marks, comparable
from tui.screens.ask import AskScreen
from tui.screens.run_frame import ACT_KEYS, RunFrame
from tui.snapshot import Snapshot
from tui.widgets.arms import EVALS, ArmList, cells
from tui.widgets.detail import DetailPane
from tui.widgets.table import Column, Table
from tui.widgets.task_result import TaskResult

TASKS = (Column("task", 22), Column("items", 7, right=True), Column("ladder", 0))
SHORT = 15
"""Characters of an arm's name where all of them stand in one line."""
PARTS = ("#choice", "#result", "#detail", "#empty")
"""One of them is to be seen."""
EMPTY = "Nothing to compare yet.\n\nA comparison is between finished evaluations: press 7 to make one, or 1 for the starter run."


class CompareScreen(RunFrame):
    """`syncse compare`."""

    MODE = FOLLOWS = "compare"
    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "start", "Compare", tooltip="the line above the keys", id="compare.start"),
        Binding("e", "choose_runs", "Choose", id="compare.choose"),
        Binding("f,escape", "turn_over", "The choice, or the comparison", show=False, id="compare.turn"),
        Binding("space", "mark", "Mark", tooltip="RUN", id="compare.mark"),
        Binding("n", "name", "Name the arm", tooltip="NAME=RUN,RUN", id="compare.name"),
        Binding("j,down", "move(1)", "Next line", show=False, id="compare.next"),
        Binding("k,up", "move(-1)", "Previous line", show=False, id="compare.previous"),
        *ACT_KEYS,
        Binding("J", "scroll_detail(1)", "Scroll the details down", show=False, id="compare.down"),
        Binding("K", "scroll_detail(-1)", "Scroll the details up", show=False, id="compare.up"),
        Binding("left_square_bracket", "other(1)", "An older comparison", show=False, id="compare.older"),
        Binding("right_square_bracket", "other(-1)", "A newer comparison", show=False, id="compare.newer"),
    ]

    _part = ""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.marks, self.choosing = Marks(), False
        self._named, self._read = "", ("", "", comparison.read({}))
        self._calibrations: Sequence[Mapping[str, Any]] | None = None

    def body(self) -> ComposeResult:
        """The choice, the comparison, or a run at work: one of them is to be seen."""
        with Container(id="choice"):
            yield Table(EVALS, id="evals")
            with VerticalScroll(id="arms", can_focus=False):
                yield ArmList(id="chosen")
        with Container(id="result"):
            yield Table(TASKS, id="tasks")
            with VerticalScroll(id="task", can_focus=False):
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
            self._show_choice(runs)
        elif shown == "#result" and run is not None:
            self._show_result(run)
        if shown in ("#choice", "#result") and self.focused is not self.table:
            self.table.focus()
        super().paint(snapshot)

    @property
    def table(self) -> Table:
        """The table that the cursor moves in."""
        return self.query_one("#tasks" if self._part == "#result" else "#evals", Table)

    def _show_choice(self, runs: Sequence[Run]) -> None:
        now = self.session.clock()
        self.query_one("#evals", Table).show([(run.id, cells(run, self.marks, now)) for run in runs])
        self.query_one(ArmList).show(self.marks, self._calibrations)

    def _show_result(self, run: Run) -> None:
        if self._read[:2] != (run.id, run.state):
            self._read = (run.id, run.state, comparison.read(run.result))
        self.query_one("#tasks", Table).show([(task.name, _task_cells(task)) for task in self._read[2].tasks])
        self._show_task()

    @on(DataTable.RowHighlighted)
    def _show_task(self) -> None:
        table, found = self.query_one("#tasks", Table), self._read[2]
        task = next((task for task in found.tasks if task.name == table.current), None)
        if task is not None:
            self.query_one(TaskResult).show(found, task)

    def arguments(self) -> Sequence[str]:
        """The command that `s` runs while arms are chosen; else how to see the same tables."""
        run = self.run_shown
        if self.choosing or run is None:
            return ("compare", *self.marks.arguments(), "--detach")
        return ("show", run.id) if run.state == "done" and not self.log_wanted else super().arguments()

    # -- keys --------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Marks are set in the choice, and a run is acted on where it is to be seen."""
        away = {"#choice": ("cancel", "resume", "log"), "#result": ("mark", "name", "cancel", "resume")}
        if action in away.get(self._part, ("mark", "name")):
            return False
        return super().check_action(action, parameters)

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self.table.step(by)

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
        self.choosing = False
        self.action_turn_over()

    @on(DataTable.RowSelected, "#evals")
    def action_mark(self) -> None:
        """Mark the evaluation under the cursor, or take its mark away."""
        self.marks.toggle(self.table.current)
        self.draw()

    def action_name(self) -> None:
        """Give the evaluation under the cursor to an arm by name."""
        run_id = self.table.current

        def named(name: str | None) -> None:
            if name:
                self._named = name
                self.marks.put(run_id, name)
                self.draw()

        given = self.marks.name(run_id) or self._named
        self.app.push_screen(AskScreen(f"The arm that {safe(run_id, 20)} is a seed of", given), named)

    def action_start(self) -> None:
        """Compare the arms, once they were seen; the command says what is wrong with them."""
        if not self.choosing and self.run_shown is not None:
            self.action_choose_runs()
            self.app.notify("These arms would be compared: s again compares them.", timeout=4)
            return
        given, arms = self.arguments(), len(self.marks.arguments())
        if arms < 2:
            detail = f"Marked: {arms}. A comparison needs two arms or more."
            hint = "space marks an evaluation, n names its arm."
            self.show_error(SyncseError("Compare with what?", detail, hint, ExitCode.USAGE))
            return
        self.app.notify("Comparing…", timeout=2)
        self.act(lambda workspace: workspace.command(given), self._started)

    def _started(self, documents: list[dict[str, Any]]) -> None:
        self.choosing = False
        self.choose(next((str(said["run"]) for said in documents if "run" in said), ""))


def _calibrations(workspace: Workspace) -> Sequence[Mapping[str, Any]]:
    return workspace.calibrations()


def _task_cells(task: comparison.Task) -> Sequence[str]:
    """Tiers in one line: `1 mine  2 base, other`."""
    tiers = [", ".join(shortened(safe(name, 60), SHORT) for name in tier) for tier in task.tiers]
    alone = len(tiers) == 1 and len(task.tiers[0]) > 1
    ladder = f"≈ cannot tell: {tiers[0]}" if alone else "  ".join(f"{at} {tier}" for at, tier in enumerate(tiers, 1))
    return (safe(task.name, 60), figure(task.items), ladder)
