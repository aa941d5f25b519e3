"""How far a run is and how fast it goes: a bar, the time left or taken, and the rates that its stage reports."""

from textual.content import Content

from syncse_local.api import OPEN, Run
from syncse_local.text.display import safe
from syncse_local.text.figures import clock, figure, number
from tui import describe
from tui.run_follower import RunDetail
from tui.widgets.section import Section, lines

BAR = 28
"""Columns: a third of the narrowest terminal, beside the figures."""
RATES = (
    ("accepted", "accepted"),
    ("accepted_per_second", "accepted/s"),
    ("rows_per_second", "rows/s"),
    ("tokens_per_second", "tokens/s"),
    ("in_flight", "in flight"),
    ("shared", "of prompt tokens shared"),
    ("triplets_per_second", "triplets/s"),
)


class Progress(Section):
    """The bar with counts and ETA, the rates, and how near training is to its early stop."""

    def show(self, detail: RunDetail, now: float) -> None:
        """Draw the lines; `now` in seconds since 1970."""
        self.set_content(lines(_first_line(detail, now), _rates(detail.run), Content(_early_stop(detail))))


def _first_line(detail: RunDetail, now: float) -> Content:
    run = detail.run
    share, spent = describe.share(run), _time(detail, now)
    if share is None:
        done = figure(run.progress.get("done"))
        words = [f"{done} {_phase(run)}".strip() if done else _waiting(run), spent]
        return Content("  ".join(word for word in words if word))
    full = round(share * BAR)
    counts = f"{figure(run.progress.get('done'))} of {figure(run.progress.get('total'))}"
    return Content.assemble(
        ("━" * full, "$text-primary"),
        ("╌" * (BAR - full), "dim"),
        (f" {share:4.0%}", "bold"),
        f"  {counts}  {spent}".rstrip(),
    )


def _time(detail: RunDetail, now: float) -> str:
    run = detail.run
    if detail.eta is not None:
        between = f" ({clock(detail.spread[0])}–{clock(detail.spread[1])})" if detail.spread else ""
        return f"ETA {clock(detail.eta)}{between}"
    if run.started is not None and run.ended is not None and run.state not in OPEN:
        return f"took {clock(run.ended - run.started)}"
    return f"for {clock(now - run.started)}" if run.state == "running" and run.started is not None else ""


def _waiting(run: Run) -> str:
    return {"queued": "Waiting for its process to start", "running": "Starting"}.get(run.state, "")


def _phase(run: Run) -> str:
    phase = run.progress.get("phase")
    return safe(phase, 20) if isinstance(phase, str) else ""


def _rates(run: Run) -> Content:
    data = run.progress
    parts = [f"{figure(data[name])} {label}" for name, label in RATES if number(data.get(name)) is not None]
    if (loss := figure(data.get("loss"))) and run.kind == "train":
        parts.insert(0, f"loss {loss}")
    if isinstance(task := data.get("task"), str) and run.state in OPEN:
        parts.append(f"task {safe(task, 30)}")
    if run.blocked:
        parts.append(f"{run.blocked} connections refused")
    return Content(" · ".join(parts))


def _early_stop(detail: RunDetail) -> str:
    run, dev = detail.run, detail.curves.get("dev", [])
    if run.result.get("stopped_early") is True:
        return f"stopped early at step {figure(run.result.get('steps'))}: its patience ran out"
    training = run.options.get("training")
    patience = number(training.get("patience")) if isinstance(training, dict) else None
    if not patience or not dev or run.state not in OPEN:
        return ""
    best = max(range(len(dev)), key=lambda place: dev[place][1])
    return f"early stop: {len(dev) - 1 - best} of {patience:.0f} dev scores without a better one"
