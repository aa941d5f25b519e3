"""What every screen that follows a run can do to it: cancel, resume, log, scroll. Knows no table and no form."""

from collections.abc import Sequence

from textual.binding import Binding, BindingType

from syncse_local.api import OPEN, RESUMABLE, Run
from tui.screens.frame import Frame
from tui.snapshot import Snapshot
from tui.widgets.detail import DetailPane

ACT_KEYS: list[BindingType] = [
    Binding("c", "cancel", "Cancel", tooltip="syncse cancel RUN", id="run.cancel"),
    Binding("r", "resume", "Resume", tooltip="syncse resume RUN --detach", id="run.resume"),
    Binding("l", "log", "Log", tooltip="syncse show RUN --log", id="run.log"),
]
RUN_KEYS: list[BindingType] = [
    *ACT_KEYS,
    Binding("v", "triplets", "Triplets", tooltip="syncse triplets RUN", id="run.triplets"),
    Binding("J,space", "scroll_detail(1)", "Scroll the details down", show=False, id="run.down"),
    Binding("K", "scroll_detail(-1)", "Scroll the details up", show=False, id="run.up"),
]
"""For a screen's own BINDINGS, after what is special to it: the footer keeps this order."""


class RunFrame(Frame):
    """A screen with a `DetailPane` that follows one run."""

    FOLLOWS = ""
    _offered: tuple[str, str] | None = None

    @property
    def run_shown(self) -> Run | None:
        """The run whose details are on the screen."""
        return self.snapshot.detail.run if self.snapshot and self.snapshot.detail else None

    def paint(self, snapshot: Snapshot) -> None:
        """The details, and the keys that can be used now."""
        if snapshot.detail is not None:
            self.query_one(DetailPane).show(snapshot.detail, self.session.clock())
        run = self.run_shown
        offered = (run.id, run.state) if run else None
        if offered != self._offered:  # the footer is composed anew each time
            self._offered = offered
            self.refresh_bindings()

    def arguments(self) -> Sequence[str]:
        """How to follow the run shown."""
        run = self.run_shown
        return ("show", run.id, "--log" if self.log_wanted else "--follow") if run else ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done to the run shown."""
        run = self.run_shown
        if action == "log":
            return True if run else None
        if action == "triplets":
            return run is not None and run.kind == "generate"
        wanted = {"cancel": OPEN, "resume": RESUMABLE}.get(action)
        return True if wanted is None or (run is not None and run.state in wanted) else None

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
        self.query_one(DetailPane).anchor(self.log_wanted)
        self.refresh_now()

    def action_triplets(self) -> None:
        """To the triplets of the run shown."""
        run = self.run_shown
        if run is not None:
            self.session.chosen["triplets"] = run.id
            self.app.switch_mode("triplets")

    def action_cancel(self) -> None:
        """One step of the cancel ladder for the run shown."""
        run = self.run_shown
        if run is not None:
            self.act(lambda workspace: workspace.cancel(run.id))

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
