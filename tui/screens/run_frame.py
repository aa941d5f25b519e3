"""What every screen that follows a run can do to it: cancel, resume, log, what stands behind it. Knows no table and no form."""

from collections.abc import Sequence

from textual.binding import BindingType

from syncse_local.api import OPEN, RESUMABLE, Run
from syncse_local.text.display import safe
from tui.describe import CANCEL_STEPS
from tui.keys import key
from tui.origins import Origin, origins, screen_of
from tui.screens.choose import ChooseScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.frame import Frame
from tui.snapshot import Snapshot
from tui.widgets.detail import DetailPane

OPENED = "run."
"""What the key of a choice begins with that names the run to show on a screen."""
ACT_KEYS: list[BindingType] = [
    key("c", "cancel", "Cancel", "run.cancel", "syncse cancel RUN"),
    key("r", "resume", "Resume", "run.resume", "syncse resume RUN --detach"),
    key("l", "log", "Log", "run.log", "syncse show RUN --log"),
    key("o", "origin", "Behind it", "run.origin", "the runs, the model, the recipe that it was made from"),
]
RUN_KEYS: list[BindingType] = [
    *ACT_KEYS,
    key("v", "triplets", "Triplets", "run.triplets", "syncse triplets RUN"),
    key("J", "scroll_detail(1)", "Scroll the details down", "run.down", show=False),
    key("K", "scroll_detail(-1)", "Scroll the details up", "run.up", show=False),
]
"""For a screen's own BINDINGS, after what is special to it: the key bar keeps this order."""


class RunFrame(Frame):
    """A screen with a `DetailPane` that follows one run."""

    FOLLOWS = ""
    _offered: tuple[str, str] | None = None

    @property
    def run_shown(self) -> Run | None:
        """The run whose details are on the screen."""
        return self.snapshot.detail.run if self.snapshot and self.snapshot.detail else None

    def title_of(self, run: Run) -> str:
        """What a run is about."""
        return safe(self.snapshot.titles.get(run.id, run.name) if self.snapshot else run.name)

    def on_screen_resume(self) -> None:
        """Follow the run that another screen has opened here."""
        if run_id := self.session.chosen.pop(f"{OPENED}{self.MODE}", ""):
            self.show_run(run_id)

    def show_run(self, run_id: str) -> None:
        """Follow a run that another screen names."""
        self.choose(run_id)

    def paint(self, snapshot: Snapshot) -> None:
        """The details, and the keys that can be used now."""
        if snapshot.detail is not None:
            self.query_one(DetailPane).show(snapshot.detail, self.session.clock())
        run = self.run_shown
        offered = (run.id, run.state) if run else None
        if offered != self._offered:
            self._offered = offered
            self.refresh_bindings()

    def arguments(self) -> Sequence[str]:
        """How to follow the run shown."""
        run = self.run_shown
        return ("show", run.id, "--log" if self.log_wanted else "--follow") if run else ()

    def can(self, action: str) -> bool:
        """Only what can be done to the run shown."""
        run = self.run_shown
        if action in ("log", "open", "scroll_detail", "origin"):
            return run is not None
        if action == "triplets":
            return run is not None and run.kind == "generate"
        wanted = {"cancel": OPEN, "resume": RESUMABLE}.get(action)
        return wanted is None or (run is not None and run.state in wanted)

    def choose(self, run_id: str) -> None:
        """Follow another run, from its first line."""
        self.selected = run_id
        for pane in self.query(DetailPane):
            pane.scroll_home(animate=False)
        self.refresh_now()

    def action_scroll_detail(self, direction: int) -> None:
        """Scroll the details by half a page."""
        self.query_one(DetailPane).scroll_half_page(direction)

    def action_log(self) -> None:
        """Show the end of the log in place of the events, or the events again."""
        self.log_wanted = not self.log_wanted
        self.refresh_now()

    def action_open(self) -> None:
        """Open the run shown on the screen of its kind."""
        run = self.run_shown
        if run is not None:
            self.go_to(Origin("run", screen_of(run), run.id))

    def action_triplets(self) -> None:
        """To the triplets of the run shown."""
        run = self.run_shown
        if run is not None:
            self.session.chosen["triplets"] = run.id
            self.app.switch_mode("triplets")

    def go_to(self, origin: Origin) -> None:
        """Open a screen on what stands behind a run."""
        self.session.chosen[f"{OPENED}{origin.screen}" if origin.what == "run" else f"at.{origin.screen}"] = origin.name
        if origin.screen != self.MODE:
            self.app.switch_mode(origin.screen)
        elif origin.what == "run":
            self.show_run(self.session.chosen.pop(f"{OPENED}{self.MODE}"))

    async def action_origin(self) -> None:
        """Open what the run shown was made from; a list where there is more than one."""
        run, snapshot = self.run_shown, self.snapshot
        found = origins(run, snapshot.runs) if run and snapshot else []
        if len(found) == 1:
            self.go_to(found[0])
        elif found and snapshot:
            lines = [(str(at), (f"{o.what}: {snapshot.titles.get(o.name, o.name)}", "")) for at, o in enumerate(found)]

            def chosen(at: str | None) -> None:
                if at is not None:
                    self.go_to(found[int(at)])

            await self.app.push_screen(ChooseScreen("It was made from", lines), chosen)
        else:
            self.app.notify("What it was made from is not in this workspace.", timeout=3)

    async def action_cancel(self) -> None:
        """Ask once, then one step further at each press: asked to stop, SIGTERM, SIGKILL."""
        run = self.run_shown
        if run is None:
            return
        if run.cancel:
            self.act(lambda workspace: workspace.cancel(run.id))
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.act(lambda workspace: workspace.cancel(run.id))

        text = f"{self.title_of(run)}\n\nIt saves what is finished, then stops; r resumes it."
        text += f" If it does not stop: c again sends {CANCEL_STEPS[1]}, then {CANCEL_STEPS[2]}."
        await self.app.push_screen(ConfirmScreen(f"Stop {run.id}?", text, "stops it", "lets it go on"), answered)

    def action_other(self, step: int) -> None:
        """Follow the run of this kind before or after the one shown."""
        ids = [run.id for run in self.snapshot.runs if run.kind == self.FOLLOWS] if self.snapshot else []
        run = self.run_shown
        if run and run.id in ids:
            self.choose(ids[min(len(ids) - 1, max(0, ids.index(run.id) + step))])

    def action_resume(self) -> None:
        """Go on with the run shown."""
        run = self.run_shown
        if run is not None:
            self.act(lambda workspace: workspace.resume(run.id))
