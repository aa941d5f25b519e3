"""The pane that follows one run: hands a RunDetail to each of its sections. Knows their order and nothing else."""

from dataclasses import replace

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content

from syncse_local.api import OPEN
from tui.run_follower import RunDetail
from tui.widgets.cancel_steps import CancelSteps
from tui.widgets.curve import Curve
from tui.widgets.event_log import EventLog
from tui.widgets.headline import Headline
from tui.widgets.memory import Memory
from tui.widgets.progress import Progress
from tui.widgets.run_error import Trouble
from tui.widgets.sample import Failures, Newest, SampleText
from tui.widgets.scores import Scores


class DetailPane(VerticalScroll):
    """Scrolls when the run has more to say than fits; a log is shown from its end."""

    _logged = False

    def compose(self) -> ComposeResult:
        """What matters most comes first: on 24 lines the end is below the edge."""
        yield Headline(id="headline")
        yield Progress(id="progress")
        yield Memory(id="memory")
        yield CancelSteps(id="cancel-steps")
        yield Trouble(id="trouble")
        with Horizontal(id="curves"):
            yield Curve("loss", higher_is_better=False, id="loss")
            yield Curve("dev", higher_is_better=True, id="dev")
        yield Scores(id="scores")
        yield SampleText(id="sample")
        yield Newest(id="newest")
        yield Failures(id="failures")
        yield EventLog(id="events")

    def show(self, detail: RunDetail, now: float) -> None:
        """Draw the run as of `now` (seconds since 1970); a log takes the place of what the run has made."""
        self.query_one(Headline).show(detail)
        self.query_one(Progress).show(detail, now)
        if detail.run.state not in OPEN:
            self.query_one(Memory).set_content(Content(""))
        self.query_one(CancelSteps).show(detail)
        self.query_one(Trouble).show(detail)
        self.query_one(EventLog).show(detail, now)
        made = (
            detail
            if detail.log is None
            else replace(detail, curves={}, scores=(), scored=(), sample=None, triplets=(), failures={})
        )
        for curve in self.query(Curve):
            curve.show(made.curves.get(str(curve.id), []))
        self.query_one("#curves").display = any(made.curves.values())
        self.query_one(Scores).show(made)
        self.query_one(SampleText).show(made)
        self.query_one(Newest).show(made)
        self.query_one(Failures).show(made)
        if (detail.log is not None) != self._logged:
            self._logged = detail.log is not None
            if self._logged:
                # The anchor alone can settle before the log's lines are laid out.
                self.call_after_refresh(self.scroll_end, animate=False)

    def scroll_half_page(self, direction: int) -> None:
        """Scroll by half a page: 1 down, -1 up."""
        self.scroll_relative(y=direction * max(1, self.size.height // 2), animate=False)
