"""The panel that follows one run: hands a RunDetail to each of its sections. Knows their order and nothing else."""

from dataclasses import replace

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal, Vertical, VerticalScroll

from syncse_local.api import OPEN
from syncse_local.text.display import safe
from tui import describe
from tui.run_follower import RunDetail
from tui.widgets.cancel_steps import CancelSteps
from tui.widgets.curve import Curve
from tui.widgets.event_log import EventLog
from tui.widgets.headline import Headline
from tui.widgets.memory import Memory
from tui.widgets.progress import Progress
from tui.widgets.run_error import RunError
from tui.widgets.sample import Failures, NewestTriplets, SampleText
from tui.widgets.scores import Scores

TWO_COLUMNS = 100
"""Columns from which the events stand beside what the run makes: each half has fifty."""


class DetailPane(VerticalScroll):
    """Scrolls when the run has more to say than fits; a log is shown from its end."""

    _logged = False

    def compose(self) -> ComposeResult:
        """What matters most comes first: on 24 lines the end is below the edge."""
        self.add_class("panel", "details")
        with Container(id="columns"):
            with Vertical(id="made"):
                yield Headline(id="headline")
                yield RunError(id="run-error")
                yield Progress(id="progress")
                yield CancelSteps(id="cancel-steps")
                yield Memory(id="memory")
                with Horizontal(id="curves"):
                    yield Curve("loss", higher_is_better=False, id="loss")
                    yield Curve("dev", higher_is_better=True, id="dev")
                yield Scores(id="scores")
                yield SampleText(id="sample")
                yield NewestTriplets(id="newest")
                yield Failures(id="failures")
            with Vertical(id="told"):
                yield EventLog(id="events")

    def show(self, detail: RunDetail, now: float) -> None:
        """Draw the run as of `now` (seconds since 1970); a log takes the place of what the run has made."""
        self.border_title = f"{describe.kind(detail.run)} {safe(detail.run.id, 40)}"
        self.query_one(Headline).show(detail)
        self.query_one(Progress).show(detail, now)
        if detail.run.state not in OPEN:
            self.query_one(Memory).forget()
        self.query_one(CancelSteps).show(detail)
        self.query_one(RunError).show(detail)
        self.query_one(EventLog).show(detail, now)
        log = detail.log is not None
        nothing = replace(detail, curves={}, scores=(), scored=(), sample=None, triplets=(), failures={})
        made = nothing if log and not self.has_class("-two") else detail
        for curve in self.query(Curve):
            curve.show(made.curves.get(str(curve.id), []))
        self.query_one("#curves").display = any(made.curves.values())
        self.query_one(Scores).show(made)
        self.query_one(SampleText).show(made)
        self.query_one(NewestTriplets).show(made)
        self.query_one(Failures).show(made)
        if log != self._logged:
            self._logged = log
            # To the log's end, and back to the top after it, once the lines are laid out.
            self.call_after_refresh(self.scroll_end if log else self.scroll_home, animate=False)

    def on_resize(self, event: events.Resize) -> None:
        """Two columns where there is room."""
        self.set_class(event.size.width >= TWO_COLUMNS, "-two")

    def scroll_half_page(self, direction: int) -> None:
        """Scroll by half a page: 1 down, -1 up."""
        self.scroll_relative(y=direction * max(1, self.size.height // 2), animate=False)
