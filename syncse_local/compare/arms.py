"""What is compared: arms, each one eval run or several of one recipe (its training seeds). Light; knows the store.

`A` is a run's id, the beginning of it, or a run's name; `A,B,C` is one arm; `name=A,B,C` names it.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from syncse_local.store import predictions
from syncse_local.store.runs import Run, evaluation, unusable


def parse(connection: sqlite3.Connection, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Each text as {"name", "runs": [ids]}. Raises SyncseError (USAGE) for what cannot be compared."""
    arms = [_arm(connection, text) for text in texts]
    everything = [run.id for _, found in arms for run in found]
    if twice := next((run for run in everything if everything.count(run) > 1), None):
        raise unusable(f"Run {twice} is named twice.", "Name each run once, in one arm.")
    labels = [name for name, _ in arms]
    names = [name if labels.count(name) == 1 else f"{name} ({found[0].id})" for name, found in arms]
    return [{"name": name, "runs": [run.id for run in found]} for name, (_, found) in zip(names, arms, strict=True)]


def _arm(connection: sqlite3.Connection, text: str) -> tuple[str, list[Run]]:
    """The arm's name, its first encoder's where none is given, and its runs."""
    given, equals, listed = text.rpartition("=")
    found = [eval_run(connection, part.strip()) for part in listed.split(",") if part.strip()]
    if not found or (equals and not given.strip()):
        raise unusable(f"{text!r} names no run.", "Write RUN, RUN,RUN or name=RUN,RUN.")
    check_seeds(found)
    return given.strip() or str(found[0].result.get("label") or found[0].id), found


def check_seeds(found: Sequence[Run]) -> None:
    """Raise SyncseError (USAGE) where two of an arm's runs are of the same weights: one encoder measured twice is no two
    seeds."""
    weights: dict[str, str] = {}
    for run in found:
        digest = run.result.get("weights_sha256") or run.id
        if digest in weights:
            detail = f"Runs {weights[digest]} and {run.id} are of the same weights: one encoder, measured twice."
            raise unusable(detail, "An arm takes one run for each training seed.")
        weights[digest] = run.id


def eval_run(connection: sqlite3.Connection, text: str) -> Run:
    """The finished eval run of this name, or of this id or the beginning of one, with its predictions."""
    run = evaluation(connection, text)
    if not predictions.items(connection, run.id):
        detail = f"Run {run.id} has no stored predictions: an older version made it, or nothing was scored."
        raise unusable(detail, "Evaluate the encoder again: `syncse eval DIR`.")
    return run
