"""Noise floors from runs that differ in their training seed alone. Light; knows the store, trains and computes no interval."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from syncse_local.compare.arms import check_seeds, eval_run
from syncse_local.compare.host import line
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.tasks import FAMILIES, family_of, resolve
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.store import calibrations, predictions, runs
from syncse_local.store.runs import Run


def calibrate(connection: sqlite3.Connection, names: Sequence[str]) -> dict[str, Any]:
    """Store the spread of these eval runs' scores as a noise floor, and return it as `store.calibrations.listed` has it.

    Raises SyncseError (USAGE) where the encoders were not trained here, on the same data with the same options and
    different seeds, and (NOTHING) where the runs share no task.
    """
    found = [eval_run(connection, name) for name in names]
    if len(found) < 2:
        raise _unfit("One run has no spread.", "Give the eval runs of two seeds or more; five are better.")
    check_seeds(found)
    recipes = [_recipe(connection, run) for run in found]
    seeds = [recipe["training"].pop("seed") for recipe in recipes]
    _check_alike(found, recipes)
    floors = list(_floors(connection, found))
    if not floors:
        detail = "No task was scored by all runs on the same items."
        raise SyncseError("Nothing to calibrate", detail, "Evaluate all of them on the same files.", ExitCode.NOTHING)
    recipe = recipes[0]
    about = {
        "machine": recipe["machine"],
        "encoder": recipe["encoder"]["path"],
        "encoder_sha256": recipe["encoder"]["sha256"],
        "data": ", ".join(str(source.get("path") or source["id"]) for source in recipe["data"]),
        "data_sha256": hashlib.sha256(json.dumps(recipe["data"], sort_keys=True).encode()).hexdigest(),
        "options": recipe["training"],
        "seeds": seeds,
        "runs": [run.id for run in found],
    }
    number = calibrations.add(connection, about, floors)
    return next(made for made in calibrations.listed(connection) if made["id"] == number)


def _recipe(connection: sqlite3.Connection, run: Run) -> dict[str, Any]:
    """What the run's encoder was trained from and with, and where."""
    trained = runs.training_of(connection, EvaluateSpec.of(run.options).encoder, run.created)
    events = runs.events(connection, trained.id) if trained else []
    notes = [event["data"] for event in events if event["kind"] == "provenance"]
    if not notes:
        detail = f"The encoder of run {run.id} was not trained in this workspace: nothing says from what, or with which seed."
        raise _unfit(detail, "Train and evaluate the seeds here: syncse calibrate --data FILE")
    note = notes[-1]
    return {
        **{name: note[name] for name in ("encoder", "data", "dev")},
        "training": dict(note["training"]),
        "machine": line(note["hardware"]),
    }


def _check_alike(found: Sequence[Run], recipes: Sequence[Mapping[str, Any]]) -> None:
    for run, recipe in zip(found, recipes, strict=True):
        differ = [name for name in recipe if recipe[name] != recipes[0][name]]
        options = [n for n, v in recipe["training"].items() if recipes[0]["training"].get(n) != v]
        if differ:
            named = ", ".join([name for name in differ if name != "training"] + options)
            detail = f"Runs {found[0].id} and {run.id} differ in more than the seed: {named}."
            raise _unfit(detail, "A noise floor is the spread of one recipe. Give the seeds of one.")


def _floors(connection: sqlite3.Connection, found: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """The main metric of each task that all runs scored on the same items; a task that is undefined in one has no floor."""
    items = [predictions.items(connection, run.id) for run in found]
    shared = [
        name for name in items[0] if family_of(name) and all(other.get(name) == items[0][name] for other in items)
    ]
    scores = [{(row["task"], row["metric"]): row["value"] for row in runs.scores(connection, run.id)} for run in found]
    for task in resolve(shared):
        metric = FAMILIES[task.family].shown[0]
        values = [score[task.name, metric] for score in scores]
        if None not in values:
            yield {"task": task.name, "metric": metric, "items_sha256": items[0][task.name], "values": values}


def _unfit(detail: str, hint: str) -> SyncseError:
    return SyncseError("No noise floor can be made of this", detail, hint, ExitCode.USAGE)
