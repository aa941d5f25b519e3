"""A run in a person's words: its state, its phase, what came out. Trusts no shape: what a JSON column holds may be anything.

Knows no widget.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from syncse_local.api import CANNOT_TELL, OPEN, Run
from syncse_local.text.display import safe
from syncse_local.text.figures import figure, hundred, number
from tui import comparison

GLYPHS = {"queued": "○", "running": "●", "done": "✓", "incomplete": "◐", "failed": "✗", "cancelled": "■", "lost": "?"}
COLOURS = {"running": "text-accent", "done": "text-success", "failed": "text-error", "queued": "text-muted"}
CANCEL_STEPS = ("asked to stop", "SIGTERM", "SIGKILL")
KINDS = {"eval": "evaluate"}
"""Kinds whose name in the store is not what the screen is called."""
LOADED = {"engine", "mapping", "planned", "training", "encoding", "vectors"}
"""Events that come once a model is in memory."""


def kind(run: Run) -> str:
    """The kind as the screens call it."""
    return safe(KINDS.get(run.kind, run.kind), 12)


def state(run: Run) -> str:
    """The state with a glyph, so that it can be told without colour."""
    return f"{GLYPHS.get(run.state, '?')} {safe(run.state, 12)}"


def colour(run: Run) -> str:
    """The theme variable that a state is drawn in."""
    return COLOURS.get(run.state, "text-warning")


def share(run: Run) -> float | None:
    """How much of the run is done, from 0 to 1; None where its total is not known."""
    done, total = number(run.progress.get("done")), number(run.progress.get("total"))
    if done is None or not total or total < 0:
        return None
    return min(1.0, max(0.0, done / total))


def phase(run: Run, events: Sequence[Mapping[str, Any]]) -> str:
    """What an open run does now, from its progress and its events since it was started last; empty for one that has ended."""
    if run.state not in OPEN:
        return ""
    if run.state == "queued":
        return "Waiting for its process to start"
    seen = {str(event["kind"]) for event in _since_start(events)}
    said = run.progress.get("phase")
    if not run.progress or not seen & LOADED:
        return _loading(seen)
    if said == "planning" and "planned" in seen:  # the engine has not been asked yet
        return "Reading prompts"
    if isinstance(said, str):
        return safe(said, 40).capitalize()
    if isinstance(task := run.progress.get("task"), str):
        return f"Scoring: {safe(task, 40)} is done" if run.kind == "eval" else f"Measuring {safe(task, 40)}"
    return {"train": "Training", "eval": "Scoring", "compare": "Comparing"}.get(run.kind, "At work")


def _since_start(events: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    starts = [at for at, event in enumerate(events) if event["kind"] == "state"]
    return events[starts[-1] :] if starts else events


def _loading(seen: set[str]) -> str:
    if "training" in seen:
        return "Preparing the training"
    if "planned" in seen:
        return "Reading prompts"
    if seen & LOADED:
        return "Reading the input"
    return "Loading the model" if "loading" in seen else "Starting"


def outcome(run: Run) -> str:
    """What came out, or how far it is, short enough for a column; of a run that did not finish, why."""
    if run.state == "failed":
        return safe(run.error.get("title", ""), 60) if run.error else ""
    if run.state == "incomplete":
        done = share(run)
        return "" if done is None else f"{done:.0%} answered"
    if run.state in ("cancelled", "lost"):
        done = share(run)
        return f"after {done:.0%}" if done is not None else ""
    if run.kind == "generate":
        return _written(run)
    if run.kind == "train":
        best, loss = figure(run.result.get("best_score")), figure(run.progress.get("loss"))
        return f"dev {best}" if best else f"loss {loss}" if loss else ""
    if run.kind == "compare":
        return _differing(run.result)
    return _average(run.result) if run.kind == "eval" else ""


def _written(run: Run) -> str:
    """Triplets of a finished run; answers that the parser accepted while it is at work."""
    triplets = figure(run.result.get("triplets"))
    accepted = figure(run.progress.get("accepted", run.result.get("accepted")))
    return f"{triplets} triplets" if triplets else f"{accepted} accepted" if accepted else ""


def _differing(result: Mapping[str, Any]) -> str:
    """How many of a comparison's differences have a verdict."""
    pairs = [pair for task in comparison.read(result).tasks for pair in task.pairs]
    told = sum(pair.verdict != CANNOT_TELL for pair in pairs)
    return f"{told} of {len(pairs)} differ" if pairs else ""


def _average(result: Mapping[str, Any]) -> str:
    average, tasks = result.get("average"), result.get("spearman")
    if isinstance(average, dict):
        value, label = average.get("value"), "average"
    elif isinstance(tasks, dict) and len(tasks) == 1:
        (name, value), *_ = tasks.items()
        label = safe(name, 10)
    else:
        return ""
    return "" if number(value) is None else f"{label} {hundred(value)}"
