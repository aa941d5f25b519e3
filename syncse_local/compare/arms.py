"""What is compared: arms, each one eval run or several of one recipe (its training seeds). Light; knows the store.

`A` is a run's id, the beginning of it, or a run's name; `A,B,C` is one arm; `name=A,B,C` names it. An arm of one encoder that
syncse did not train (downloaded, or a base as it was) is fixed: it has no training seed that could have come out otherwise.
"""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from syncse_local.modelfiles.hashing import RECORD
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.store import predictions, runs
from syncse_local.store.runs import Run, evaluation, unusable


def parse(
    connection: sqlite3.Connection, texts: Sequence[str], fixed: Collection[str] = (), trained: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Each text as {"name", "runs": [ids]}, and "fixed" where `fixed` or `trained` name it, by any of its names.

    Raises SyncseError (USAGE) for what cannot be compared.
    """
    arms = [_arm(connection, text) for text in texts]
    everything = [run.id for _, found in arms for run in found]
    if twice := next((run for run in everything if everything.count(run) > 1), None):
        raise unusable(f"Run {twice} is named twice.", "Name each run once, in one arm.")
    labels = [name for name, _ in arms]
    names = [name if labels.count(name) == 1 else f"{name} ({found[0].id})" for name, found in arms]
    made, met = list[dict[str, Any]](), set[str]()
    for name, (label, found) in zip(names, arms, strict=True):
        known = {name, label, *(word for run in found for word in (run.id, run.name) if word)}
        made.append(
            {"name": name, "runs": [run.id for run in found], **_told(found, known & {*fixed}, known & {*trained})}
        )
        met |= known
    for asked in [*fixed, *trained]:
        if asked not in met:
            raise unusable(f"No arm is called {asked!r}.", f"The arms are {', '.join(names)}.")
    return made


def _told(found: Sequence[Run], fixed: Collection[str], trained: Collection[str]) -> dict[str, bool]:
    if fixed and (trained or len(found) > 1):
        what = "several runs" if len(found) > 1 else "said to be trained"
        detail = f"{next(iter(fixed))!r} cannot be fixed: it is {what}."
        raise unusable(detail, "A fixed encoder is one run, of which no other training seed can be had.")
    return {"fixed": bool(fixed)} if fixed or trained else {}


def recognised(connection: sqlite3.Connection, arm: Mapping[str, Any]) -> dict[str, Any]:
    """Whether an arm of a compare run is "fixed", and "why": the caller said so, or what is known of its encoder."""
    if "fixed" in arm:
        return {"fixed": arm["fixed"], "why": "as you say"}
    if len(arm["runs"]) > 1:
        return {"fixed": False, "why": f"{len(arm['runs'])} runs"}
    fixed, why = trained_by(connection, eval_run(connection, arm["runs"][0]))
    return {"fixed": fixed, "why": why}


def trained_by(connection: sqlite3.Connection, run: Run) -> tuple[bool, str]:
    """Whether an eval run's encoder is fixed, and what says so: a train run of this workspace wrote it, or any syncse did, whose
    record lies beside the weights; else nobody knows of a training of it here."""
    path = Path(EvaluateSpec.of(run.options).encoder)
    for place in dict.fromkeys((str(path), str(path.resolve()))):
        if by := runs.training_of(connection, place, run.created):
            return False, f"trained here by {by.id}"
    if (path / RECORD).is_file():
        return False, f"trained by syncse elsewhere ({RECORD} is beside it)"
    return True, "no training of it is known"


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
