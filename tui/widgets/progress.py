"""How far a run is and how fast it goes: phase, bar, the time left or taken, and the rates that its stage reports."""

from collections.abc import Iterator

from textual.content import Content

from syncse_local.api import OPEN, Run
from syncse_local.text.figures import clock, counted, figure, number
from tui import describe
from tui.run_follower import RunDetail
from tui.widgets.section import MeasuredSection, lines
from tui.widgets.sparkline import sparkline

LEAST_BAR = 10
"""Columns of the bar at least: below, the figures go into a line of their own."""
SPARK = 16
"""Columns of a rate's course: some seconds a column, and two rates in a line of 80."""
UNITS = {"generate": "request", "train": "step", "eval": "task", "compare": "task"}
"""What `done` and `total` count, by the run's kind."""
RATES = (
    ("rows_per_second", "rows/s"),
    ("accepted_per_second", "accepted/s"),
    ("tokens_per_second", "tokens/s"),
    ("in_flight", "in flight"),
    ("shared", "of prompt tokens shared"),
    ("triplets_per_second", "triplets/s"),
)


class Progress(MeasuredSection):
    """The bar takes the room that is there."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._given: tuple[RunDetail, float] | None = None

    def show(self, detail: RunDetail, now: float) -> None:
        """Draw the lines; `now` in seconds since 1970."""
        self._given = (detail, now)
        self.redraw()

    def made_for(self, width: int) -> Content:
        """Phase and bar, rates, remarks."""
        if self._given is None:
            return Content("")
        detail, now = self._given
        return lines(*_how_far(detail, now, width), *_rates(detail, width), *_remarks(detail))


def _how_far(detail: RunDetail, now: float, width: int) -> Iterator[Content]:
    run = detail.run
    share, spent = describe.share(run), _time(detail, now)
    phase = describe.phase(run, detail.events)
    if run.state == "done" or share is None or run.state == "queued":
        words = [phase, _count(run), spent]
        yield Content("  ").join(map(Content, filter(None, words)))
        return
    if phase:
        yield Content.styled(phase, "$text-accent")
    figures = "  ".join(filter(None, [f"{share:4.0%}", _count(run), spent]))
    beside = width - len(figures) - 1 >= LEAST_BAR
    bar = _bar(share, width - len(figures) - 1 if beside else width, f"${describe.colour(run)}")
    yield bar + Content(f" {figures}") if beside else lines(bar, Content(figures.strip()))


def _bar(share: float, width: int, style: str) -> Content:
    full = round(share * width)
    return Content.assemble(("━" * full, style), ("─" * (width - full), "$border-blurred"))


def _count(run: Run) -> str:
    done, total, unit = run.progress.get("done"), run.progress.get("total"), UNITS.get(run.kind, "")
    if number(done) is None:
        return ""
    if run.kind == "eval" and run.progress.get("phase") == "encoding":
        unit = "sentence"
    if not number(total):
        return counted(done, unit) if unit else figure(done)
    return f"{figure(done)} of {counted(total, unit) if unit else figure(total)}"


def _time(detail: RunDetail, now: float) -> str:
    run = detail.run
    if detail.eta is not None:
        between = f" ({clock(detail.interval[0])}–{clock(detail.interval[1])})" if detail.interval else ""
        return f"ETA {clock(detail.eta)}{between}"
    if run.started is not None and run.ended is not None and run.state not in OPEN:
        return f"took {clock(run.ended - run.started)}"
    return f"for {clock(now - run.started)}" if run.state == "running" and run.started is not None else ""


def _rates(detail: RunDetail, width: int) -> Iterator[Content]:
    """Two rates a line, each with its course; of a run that did not finish there is nothing to say."""
    run, shown = detail.run, []
    if run.state not in (*OPEN, "done"):
        return
    accepted, done = number(run.progress.get("accepted")), number(run.progress.get("done"))
    if accepted is not None and done and run.kind == "generate":
        shown.append(Content.assemble(("accepted ", "$text-muted"), f"{accepted:,.0f} ({accepted / done:.0%})"))
    if (loss := figure(run.progress.get("loss"))) and run.kind == "train":
        shown.append(Content.assemble(("loss ", "$text-muted"), loss))
    for name, label in RATES:
        if number(run.progress.get(name)) is not None:
            course = sparkline(detail.history.get(name, ()), SPARK) if run.state in OPEN else ""
            parts = [(f"{label} ", "$text-muted"), (f"{course} " if course else "", "$text-accent")]
            shown.append(Content.assemble(*parts, figure(run.progress[name])))
    room, line = width, list[Content]()
    for part in shown:
        if line and room < len(part.plain) + 3:
            yield Content(" · ").join(line)
            room, line = width, []
        line.append(part)
        room -= len(part.plain) + 3
    if line:
        yield Content(" · ").join(line)


def _remarks(detail: RunDetail) -> Iterator[Content]:
    run = detail.run
    if run.blocked:
        yield Content.styled(f"{counted(run.blocked, 'connection')} refused by the air gap", "$text-warning")
    if early := _early_stop(detail):
        yield Content.styled(early, "$text-muted")


def _early_stop(detail: RunDetail) -> str:
    run, dev = detail.run, detail.curves.get("dev", [])
    if run.result.get("stopped_early") is True:
        return f"early stopping at step {figure(run.result.get('steps'))}: its patience ran out"
    training = run.options.get("training")
    patience = number(training.get("patience")) if isinstance(training, dict) else None
    if not patience or not dev or run.state not in OPEN:
        return ""
    best = max(range(len(dev)), key=lambda place: dev[place][1])
    return f"early stopping: {len(dev) - 1 - best} of {patience:.0f} dev scores without a better one"
