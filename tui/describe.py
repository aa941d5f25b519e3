"""Runs in a person's words. Trusts no shape: what a JSON column holds may be anything. Knows no widget."""

from collections.abc import Mapping
from typing import Any

from syncse_local.api import CANNOT_TELL, Run
from syncse_local.text.display import safe
from syncse_local.text.figures import figure, hundred, number
from tui import comparison

GLYPHS = {"queued": "○", "running": "●", "done": "✓", "incomplete": "◐", "failed": "✗", "cancelled": "■", "lost": "?"}
COLOURS = {
    "running": "text-primary",
    "done": "text-success",
    "incomplete": "text-warning",
    "failed": "text-error",
    "cancelled": "text-warning",
    "lost": "text-warning",
}
STEPS = ("asked to stop", "SIGTERM", "SIGKILL")


def state(run: Run) -> str:
    """The state with a glyph, so that it can be told without colour."""
    return f"{GLYPHS.get(run.state, '?')} {safe(run.state, 12)}"


def colour(run: Run) -> str:
    """The theme variable that a state is drawn in."""
    return COLOURS.get(run.state, "foreground")


def share(run: Run) -> float | None:
    """How much of the run is done, from 0 to 1; None where its total is not known."""
    done, total = number(run.progress.get("done")), number(run.progress.get("total"))
    if done is None or not total or total < 0:
        return None
    return min(1.0, max(0.0, done / total))


def outcome(run: Run) -> str:
    """What came out so far, short enough for a column."""
    if run.kind == "generate":
        accepted = figure(run.progress.get("accepted", run.result.get("accepted")))
        return f"{accepted} accepted" if accepted else ""
    if run.kind == "train":
        best, loss = figure(run.result.get("best_score")), figure(run.progress.get("loss"))
        return f"dev {best}" if best else f"loss {loss}" if loss else ""
    if run.kind == "compare":
        return _differing(run.result)
    return _average(run.result) if run.kind == "eval" else ""


def _differing(result: Mapping[str, Any]) -> str:
    """How many of a comparison's differences have a verdict."""
    pairs = [pair for task in comparison.read(result).tasks for pair in task.pairs]
    told = sum(pair.verdict != CANNOT_TELL for pair in pairs)
    return f"{told} of {len(pairs)} differ" if pairs else ""


def _average(result: Mapping[str, Any]) -> str:
    average, tasks = result.get("average"), result.get("spearman")
    if isinstance(average, dict):
        value, label = number(average.get("value")), "average"
    elif isinstance(tasks, dict) and len(tasks) == 1:
        (name, found), *_ = tasks.items()
        value, label = number(found), safe(name, 10)
    else:
        return ""
    return "" if value is None else f"{label} {hundred(value)}"
