"""Home: the workspace, the models found, the tour, and what to do next."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from syncse_local.api import Workspace
from syncse_local.text.display import safe
from tui.command import place
from tui.run_follower import tail
from tui.screens.frame import Frame
from tui.snapshot import Snapshot
from tui.tour import Step, advice, tour
from tui.widgets.headline import Headline
from tui.widgets.memory import Memory
from tui.widgets.progress import Progress
from tui.widgets.section import Section, lines
from tui.work import start

MARKS = {
    "done": ("✓", "$text-success"),
    "running": ("●", "$text-primary bold"),
    "stopped": ("■", "$text-warning"),
    "todo": ("○", "dim"),
}
NAMES = {"llm": "language model", "encoder": "encoder"}

LOOK_SECONDS = 0.1
"""After the first frame."""


class HomeScreen(Frame):
    """Where one begins. `starter` are the words of the starter run."""

    MODE = "home"
    FOLLOWS = ""
    CSS_PATH = "home.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "starter", "Starter run", tooltip="syncse run --detach", id="home.starter"),
        Binding("enter", "next", "Do the next step", id="home.next"),
    ]
    starter: Sequence[str] = ("run",)
    _alive: bool | None = None
    _said: tuple[str, ...] = ()

    def body(self) -> ComposeResult:
        """Facts, the tour, the newest run."""
        with VerticalScroll(id="home", can_focus=False):
            yield Section(id="facts")
            yield Memory(id="memory")
            yield Section(id="tour")
            yield Section(id="next")
            yield Headline(id="headline")
            yield Progress(id="progress")

    def on_mount(self) -> None:
        """Look around once the first frame is on the screen: it must not wait for another process to start."""
        self._found: list[dict[str, Any]] | None = None
        self.set_timer(LOOK_SECONDS, self._look_around)

    def _look_around(self) -> None:
        """Count the models and look at the memory: on a thread, for that may take seconds."""
        self.act(lambda workspace: workspace.command(["models"]), self._models, self.session.slow, "look")
        self.act(lambda workspace: workspace.machine(), self.query_one(Memory).show, self.session.slow, "look")

    def on_screen_resume(self) -> None:
        """Ask anew whether the starter run is at work."""
        self._ask()

    def _models(self, found: list[dict[str, Any]]) -> None:
        self._found = found
        self.draw()

    def _ask(self) -> None:
        start(self, self._look, "alive", exclusive=True)

    async def _look(self) -> None:
        was = self._alive
        self._alive, self._said = await self.session.reads.call(_pipeline)
        if self._alive != was:
            self.refresh_bindings()
            self.draw()

    def paint(self, snapshot: Snapshot) -> None:
        """Everything; most of it does not change."""
        self._ask()
        self.query_one("#facts", Section).set_content(self._facts(snapshot))
        steps = tour(snapshot.runs, bool(self._alive))
        self.query_one("#tour", Section).set_content(_tour(steps))
        self.query_one("#next", Section).set_content(
            lines(Content.assemble(("Next  ", "bold"), advice(snapshot.runs).text), self._trouble_of(steps))
        )
        if snapshot.detail is not None:
            self.query_one(Headline).show(snapshot.detail)
            self.query_one(Progress).show(snapshot.detail, self.session.clock())

    def _facts(self, snapshot: Snapshot) -> Content:
        rows = [
            ("workspace", place(self.workspace.directory)),
            ("runs", f"{len(snapshot.runs)}"),
            ("models", self._counted()),
        ]
        return lines(*(Content.assemble((f"{label:<10} ", "dim"), value) for label, value in rows))

    def _counted(self) -> str:
        if self._found is None:
            return "looking…"
        counts = Counter(str(entry.get("kind")) for entry in self._found)
        return (
            ", ".join(f"{counts[kind]} {name}{'s' * (counts[kind] != 1)}" for kind, name in NAMES.items())
            + " (2 lists them)"
        )

    def _trouble_of(self, steps: Sequence[Step]) -> Content:
        """The last words of a starter run that ended without finishing and without a run that says why."""
        stuck = self._alive is False and self._said and not any(step.state == "stopped" for step in steps)
        if not stuck or all(step.state == "done" for step in steps):
            return Content("")
        return Content.styled("\n".join(safe(line) for line in self._said[-3:]), "$text-warning")

    def arguments(self) -> Sequence[str]:
        """The starter run."""
        return (*self.starter, "--detach")

    # -- keys --------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One starter run at a time."""
        return None if action == "starter" and self._alive else True

    def action_starter(self) -> None:
        """Begin the starter run, or go on with it."""
        self._alive = True
        self.refresh_bindings()
        given = self.arguments()
        self.app.notify("Starting: it goes on when this program is closed.", timeout=4)
        self.act(lambda workspace: workspace.command(given), lambda _: self._ask())

    def action_next(self) -> None:
        """Open the screen that the advice names."""
        found = advice(self.snapshot.runs if self.snapshot else ())
        if found.screen == self.MODE:
            self.action_starter()
        else:
            self.session.chosen.update(found.chosen)
            self.app.switch_mode(found.screen)


def _pipeline(workspace: Workspace) -> tuple[bool, tuple[str, ...]]:
    return workspace.pipeline_alive(), tail(workspace.pipeline_log)


def _tour(steps: Sequence[Step]) -> Content:
    rows = [Content.styled("The starter run, in five steps", "bold")]
    for number, step in enumerate(steps, 1):
        mark, style = MARKS[step.state]
        rows.append(Content.assemble((f"{mark} {number}  ", style), f"{step.title:<36}", (step.note, "dim")))
    return lines(*rows)
