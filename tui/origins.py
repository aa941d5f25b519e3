"""What stands behind a run: the runs, the model, the recipe that it was made from. Knows runs; knows no widget."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from syncse_local.api import Run

SCREENS = {"generate": "generate", "train": "train", "eval": "evaluate", "compare": "compare"}
"""The screen that shows a run of a kind; every other kind is shown on the screen of runs."""


class Origin(NamedTuple):
    """What it is, the screen that shows it, and by what name: a run's id, a path, a recipe."""

    what: str
    screen: str
    name: str


def screen_of(run: Run) -> str:
    """The name of the screen that shows such a run."""
    return SCREENS.get(run.kind, "runs")


def origins(run: Run, runs: Sequence[Run]) -> list[Origin]:
    """What a run was made from, as far as it can be opened here; `runs` are the ones that are listed."""
    known = {other.id: other for other in runs}
    found = [Origin("run", screen_of(known[name]), name) for name in _named(run) if name in known]
    return [*found, *_materials(run, runs)]


def _named(run: Run) -> Iterator[str]:
    options = run.options
    yield from _texts(options.get("runs"))
    yield from _texts(options.get("run"))
    arms = options.get("arms")
    for arm in arms if isinstance(arms, list) else ():
        yield from _texts(arm.get("runs")) if isinstance(arm, Mapping) else ()


def _materials(run: Run, runs: Sequence[Run]) -> Iterator[Origin]:
    options = run.options
    if isinstance(encoder := options.get("encoder"), str) and encoder and run.kind in ("eval", "train"):
        trained = next((r for r in runs if r.kind == "train" and r.options.get("output") == encoder), None)
        yield Origin("run", "train", trained.id) if trained else Origin("encoder", "models", encoder)
    if run.kind == "generate":
        if isinstance(model := options.get("model"), str) and model:
            yield Origin("model", "models", model)
        recipe = options.get("recipe")
        if isinstance(recipe, dict) and recipe.get("name"):
            yield Origin("recipe", "recipes", str(recipe["name"]))


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [value] if isinstance(value, str) else []
