"""Runs and events in a person's words. Trusts no shape: what a JSON column holds may be anything. Knows no widget."""

from collections.abc import Callable, Mapping
from typing import Any

from syncse_local.api import Run
from syncse_local.text.display import safe
from syncse_local.text.figures import figure, number
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
    told = sum(pair.verdict != comparison.CANNOT_TELL for pair in pairs)
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
    return "" if value is None else f"{label} {100 * value:.2f}"


def event(kind: str, data: Mapping[str, Any]) -> str:
    """One event as a line; kinds that are not known show what they hold."""
    if kind in _TOLD:
        return _TOLD[kind](data)
    if kind in ("warning", "waiting", "memory") and data.get("text"):
        return f"{kind}: {safe(data['text'])}"
    pairs = ", ".join(f"{safe(name, 40)} {safe(value, 80)}" for name, value in list(data.items())[:8])
    return f"{safe(kind, 40)}: {pairs}" if pairs else safe(kind, 40)


def _setup(data: Mapping[str, Any]) -> str:
    place = f"{figure(data.get('steps'))} steps on {safe(data.get('device', '?'), 20)}, {safe(data.get('precision', '?'), 20)}"
    return f"{place}, {figure(data.get('trained'))} of {figure(data.get('parameters'))} parameters trained"


def _planned(data: Mapping[str, Any]) -> str:
    return (
        f"planned {figure(data.get('rows'))} requests ({safe(data.get('part', ''), 40)}){_skipped(data.get('skipped'))}"
    )


def _missing(data: Mapping[str, Any]) -> str:
    return f"{safe(data.get('task', '?'), 40)} is not there (looked for {safe(data.get('looked_for', ''))})"


_TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "state": lambda data: f"became {safe(data.get('state', '?'), 20)}",
    "mapping": lambda data: f"input: {safe(data.get('described', ''))}",
    "planned": _planned,
    "engine": lambda data: f"engine {safe(data.get('backend', ''), 40)} {safe(data.get('version', ''), 40)}",
    "training": lambda data: (
        f"training on {figure(data.get('triplets'))} triplets, {figure(data.get('dev_pairs'))} dev pairs"
    ),
    "training_setup": _setup,
    "provenance": lambda _: "recorded what the encoder is made from (syncse card shows it)",
    "task_missing": _missing,
    "scored": lambda data: f"scored {safe(data.get('task', '?'), 40)}",
}


def _skipped(skipped: object) -> str:
    if not isinstance(skipped, dict):
        return ""
    some = ", ".join(f"{safe(name, 40)} {safe(count, 20)}" for name, count in skipped.items() if count)
    return f", skipped {some}" if some else ""
