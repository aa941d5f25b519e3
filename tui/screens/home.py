"""Home: the ways to begin and to go on, the starter run's steps, this machine, the newest run."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from syncse_local.api import Workspace
from syncse_local.text.display import safe
from tui.command import place
from tui.keys import key
from tui.run_follower import tail
from tui.screens.list_frame import ListFrame, list_keys
from tui.snapshot import Snapshot
from tui.tour import Step, advice, tour
from tui.widgets.headline import Headline
from tui.widgets.memory import Memory
from tui.widgets.progress import Progress
from tui.widgets.section import Section, lines
from tui.widgets.table import Column, Table
from tui.work import start

MARKS = {
    "done": ("✓", "$text-success"),
    "running": ("●", "$text-accent bold"),
    "stopped": ("■", "$text-warning"),
    "todo": ("○", "$text-muted"),
}
NAMES = {"llm": "language model", "encoder": "encoder"}
LOOK_SECONDS = 0.1
"""The first frame is on the screen by then: looking around starts other processes."""
STARTER_MINUTES = 4
"""`syncse run` on two cores took 3 min 45 s to 4 min 23 s on fresh clones (docs/log.md)."""
WAYS = (Column("", 0, prose=True), Column("", 14, right=True, optional=40))
LAST_WORDS = 3
"""Lines of the starter run's log that are shown when it ended before its first run did."""


class HomeScreen(ListFrame):
    """Where one begins. `starter` are the arguments of the starter run."""

    MODE = "home"
    FOLLOWS = ""
    CSS_PATH = "home.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "open", "Do it", "home.do"),
        key("s", "starter", "Starter run", "home.starter", "syncse run --detach"),
        *list_keys("home", "way"),
    ]
    starter: Sequence[str] = ("run",)
    _alive: bool | None = None
    _log: tuple[str, ...] = ()

    def body(self) -> ComposeResult:
        """The ways to go, what the starter run does, the machine, the newest run."""
        with VerticalScroll(id="home", classes="panel", can_focus=False) as box:
            box.border_title = "What to do"
            yield Table(WAYS, id="ways")
            yield Section(id="tour", title="The starter run")
            yield Headline(id="headline", title="The newest run")
            yield Progress(id="progress")
            yield Section(id="facts", title="This machine")
            yield Memory(id="memory")

    def on_mount(self) -> None:
        """Look around once the first frame is on the screen: it must not wait for another process to start."""
        self._found: list[dict[str, Any]] | None = None
        self.table.show_header = False
        self.table.focus()
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
        self._alive, self._log = await self.session.reads.call(_pipeline)
        if self._alive != was:
            self.refresh_bindings()
            self.draw()

    def paint(self, snapshot: Snapshot) -> None:
        """Everything; most of it does not change."""
        self._ask()
        steps = tour(snapshot.runs, bool(self._alive))
        self.table.show(self._ways(snapshot, steps))
        self.table.styles.height = len(self.table.keys)
        self.query_one("#tour", Section).set_content(lines(_tour(steps), self._last_words(steps)))
        self.query_one("#facts", Section).set_content(self._facts())
        if snapshot.detail is not None:
            self.query_one(Headline).show(snapshot.detail)
            self.query_one(Progress).show(snapshot.detail, self.session.clock())

    def _ways(self, snapshot: Snapshot, steps: Sequence[Step]) -> list[tuple[str, list[str]]]:
        found = advice(snapshot.runs, snapshot.titles)
        at_work = {"running": "at work", "stopped": "was stopped"}.get(_worst(steps), "")
        done = all(step.state == "done" for step in steps)
        note = "done" if done else at_work or f"about {STARTER_MINUTES} min"
        starter = ("starter", ["Try the bundled models: write, train, evaluate", note])
        own = ("own", ["Compare LLMs on my sentences: write triplets with each of them", ""])
        return [*([("next", [found.text, ""])] if found else []), starter, own]

    def _facts(self) -> Content:
        rows = [("workspace", place(self.workspace.directory)), ("models", self._counted())]
        return lines(*(Content.assemble((f"{label} ", "$text-muted"), value) for label, value in rows))

    def _counted(self) -> str:
        if self._found is None:
            return "looking…"
        counts = Counter(str(entry.get("kind")) for entry in self._found)
        named = ", ".join(f"{counts[kind]} {name}{'s' * (counts[kind] != 1)}" for kind, name in NAMES.items())
        return f"{named} (2 lists them)"

    def _last_words(self, steps: Sequence[Step]) -> Content:
        """The end of the log of a starter run that ended without finishing and without a run that says why."""
        stuck = self._alive is False and self._log and not any(step.state == "stopped" for step in steps)
        if not stuck or all(step.state == "done" for step in steps):
            return Content("")
        return Content.styled("\n".join(safe(line) for line in self._log[-LAST_WORDS:]), "$text-warning")

    def arguments(self) -> Sequence[str]:
        """What enter does, as a command where there is one."""
        if self.table.current == "own":
            return ("generate", "FILE", "--model", "NAME", "--detach")
        return (*self.starter, "--detach")

    # -- keys --------------------------------------------------------------------------------------------------------

    def can(self, action: str) -> bool:
        """One starter run at a time."""
        return action != "starter" or not self._alive

    def action_starter(self) -> None:
        """Begin the starter run, or go on with it."""
        self._alive = True
        self.refresh_bindings()
        given = (*self.starter, "--detach")
        self.app.notify("Starting: it goes on when this program is closed.", timeout=4)
        self.act(lambda workspace: workspace.command(given), lambda _: self._ask())

    def action_open(self) -> None:
        """Go the way under the cursor."""
        way = self.table.current
        found = advice(self.snapshot.runs, self.snapshot.titles) if self.snapshot else None
        if way == "next" and found is not None:
            self.session.chosen.update(found.chosen)
            self.app.switch_mode(found.screen)
        elif way == "own":
            self.session.chosen["input"] = ""
            self.app.switch_mode("generate")
        elif way == "starter" and not self._alive:
            self.action_starter()


def _worst(steps: Sequence[Step]) -> str:
    states = {step.state for step in steps}
    return next((state for state in ("running", "stopped") if state in states), "")


def _pipeline(workspace: Workspace) -> tuple[bool, tuple[str, ...]]:
    return workspace.pipeline_alive(), tail(workspace.pipeline_log)


def _tour(steps: Sequence[Step]) -> Content:
    rows = []
    for number, step in enumerate(steps, 1):
        mark, style = MARKS[step.state]
        rows.append(Content.assemble((f"{mark} {number}  ", style), f"{step.title:<36}", (step.note, "$text-muted")))
    return lines(*rows)
