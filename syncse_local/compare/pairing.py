"""Which tasks several eval runs share, and whether their items are the same: figures are paired item by item or not at all."""

import sqlite3
from collections.abc import Mapping, Sequence

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.tasks import family_of, resolve
from syncse_local.store import predictions
from syncse_local.store.predictions import Column


def shared_tasks(
    connection: sqlite3.Connection, order: Sequence[str], wanted: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The tasks that all runs have, in the tables' order, and notes on those that only some have.

    With `wanted` (names or families) only these; a task that was named and that a run lacks is an error (USAGE).
    """
    by_run = {run: predictions.items(connection, run) for run in order}
    known = list(dict.fromkeys(task for found in by_run.values() for task in found if family_of(task)))
    families = {task.name: task.family for task in resolve(known)}
    asked = [task.name for task in resolve(wanted)] if wanted else known
    named = {name for name in wanted if name.casefold() not in set(families.values())}
    lacking = {task: [run for run in order if task not in by_run[run]] for task in asked}
    for task, absent in lacking.items():
        if absent and task in named:
            raise _unpaired(f"{task} was not measured in {', '.join(absent)}.", f"Evaluate there with --tasks {task}.")
    found = [task for task in asked if not lacking[task]]
    if not found:
        raise _unpaired(
            "The runs have no task in common.", "Evaluate all encoders on the same tasks.", ExitCode.NOTHING
        )
    notes = [
        f"{task} is left out: not in {', '.join(absent)}"
        for task, absent in lacking.items()
        if absent and task in known
    ]
    place = {task.name: at for at, task in enumerate(resolve(["sts", "reranking", "transfer"]))}
    return sorted(found, key=lambda task: (place.get(task, len(place)), task)), notes


def pair(task: str, order: Sequence[str], found: Sequence[Mapping[str, Column]]) -> tuple[int, str]:
    """(count, hash) of the items that all runs predicted. Raises SyncseError (USAGE) where they are not the same."""
    hashes = {run: next(iter(columns.values())).items_sha256 for run, columns in zip(order, found, strict=True)}
    first = order[0]
    for run, items in hashes.items():
        if items != hashes[first]:
            detail = f"{task} has other items in {run} than in {first} (other files, or an other order)."
            raise _unpaired(detail, f"Evaluate both on the same files, or leave {task} out with --tasks.")
    counts = {column.items for columns in found for column in columns.values()}
    if len(counts) != 1:
        raise _unpaired(f"The stored predictions of {task} differ in length.", "Evaluate the encoders again.")
    return counts.pop(), hashes[first]


def _unpaired(detail: str, hint: str, code: ExitCode = ExitCode.USAGE) -> SyncseError:
    return SyncseError("The runs cannot be paired", detail, hint, code)
