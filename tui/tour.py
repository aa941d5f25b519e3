"""The first-run tour and what to do next, told from the runs of a workspace. Knows run names; knows no widget.

The tour is the starter run, `syncse run`: its four steps are runs with known names, so the tour is always where the
workspace is, whoever started it and however often this program was closed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from syncse_local.api import OPEN, RESUMABLE, Run
from syncse_local.text.display import safe
from syncse_local.text.figures import figure, hundred, number
from tui.origins import screen_of

STEPS = (
    ("eval", "evaluate before", "Measure the starter encoder", "7"),
    ("generate", "generate", "Write triplets with the starter LLM", "4"),
    ("train", "train", "Train the encoder on them", "6"),
    ("eval", "evaluate after", "Measure it again", "7"),
)
"""Kind, beginning of the name, what it does, the screen's key: the steps of `syncse run`."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the tour: `state` is done, running, todo, or stopped; `note` is what came out."""

    title: str
    state: str
    note: str = ""


def tour(runs: Sequence[Run], alive: bool) -> list[Step]:
    """The five steps as they stand; `alive`: the starter run's own process is at work."""
    steps: list[Step] = []
    found = [_newest(runs, kind, name) for kind, name, _, _ in STEPS]
    for (_, _, title, key), run in zip(STEPS, found, strict=True):
        state = "todo" if run is None else _state(run)
        steps.append(Step(title, state, f"press {key} to watch" if state == "running" else _outcome(run)))
    if alive and not any(step.state == "running" for step in steps):
        first = next((i for i, step in enumerate(steps) if step.state != "done"), None)
        if first is not None:
            steps[first] = Step(steps[first].title, "running", "starting")
    done = all(step.state == "done" for step in steps)
    return [*steps, Step("Your own encoder", "done" if done else "todo", _last(found) if done else "")]


def _newest(runs: Sequence[Run], kind: str, name: str) -> Run | None:
    return next((run for run in runs if run.kind == kind and run.name.startswith(f"{name} ")), None)


def _state(run: Run) -> str:
    return "done" if run.state == "done" else "running" if run.state in OPEN else "stopped"


def _outcome(run: Run | None) -> str:
    if run is None:
        return ""
    if run.state in RESUMABLE:
        return f"{run.state}; s resumes it"
    if run.kind == "generate":
        return f"{figure(run.result.get('triplets'))} triplets"
    if run.kind == "train":
        return f"best dev {figure(run.result.get('best_score'))}"
    return _score(run)


def _score(run: Run) -> str:
    scores: Any = run.result.get("spearman")
    values = [value for value in map(number, scores.values()) if value is not None] if isinstance(scores, dict) else []
    return f"Spearman x 100: {hundred(sum(values) / len(values))}" if values else ""


def _last(found: Sequence[Run | None]) -> str:
    trained = found[2]
    return safe(trained.result.get("output", ""), 200) if trained else ""


class Advice(NamedTuple):
    """What to do next in a sentence, the screen that does it, and what to put into its form by field."""

    text: str
    screen: str
    chosen: Mapping[str, str] = MappingProxyType({})


def advice(runs: Sequence[Run], titles: Mapping[str, str] = MappingProxyType({})) -> Advice | None:
    """What to do next, from the newest run; None where there is no run yet. `titles` say what each is about."""
    newest = runs[0] if runs else None
    if newest is None:
        return None
    screen, name = screen_of(newest), safe(titles.get(newest.id, newest.id))
    shown = {f"run.{screen}": newest.id}
    if newest.state in OPEN:
        return Advice(f"Watch {name}, which is at work", screen, shown)
    if newest.state in RESUMABLE:
        return Advice(f"Look at {name}, which is {newest.state}; r resumes it there", screen, shown)
    if newest.kind == "generate":
        return Advice(f"Train an encoder on the triplets of {name}", "train", {"runs": newest.id})
    if newest.kind == "train" and isinstance(output := newest.result.get("output"), str):
        return Advice(f"Evaluate the trained encoder, {name}", "evaluate", {"encoder": output})
    measured = [run.id for run in runs if run.kind == "eval" and run.state == "done"]
    if newest.kind == "eval" and len(measured) > 1:
        chosen = {"compare": f"{measured[1]} {measured[0]}"}
        return Advice("Compare the two encoders that were evaluated last", "compare", chosen)
    return Advice("Write triplets from your own sentences", "generate", {"input": ""})
