"""Finished train and eval runs made by hand in a store: what calibration, pairing and export read."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from syncse_local.store import predictions, runs

HARDWARE = {"processor": "Some CPU", "cores": 2, "gpus": []}


def trained(connection: sqlite3.Connection, output: str, seed: int, **changes: Any) -> str:
    """A finished train run with its provenance; `changes` are of the provenance."""
    run = runs.create(connection, "train", {"output": output})
    runs.move(connection, run.id, "queued", "running")
    note = {
        "encoder": {"path": "base", "sha256": "b" * 64},
        "data": [{"kind": "file", "path": "human.csv", "sha256": "d" * 64}],
        "dev": {},
        "training": {"seed": seed, "epochs": 3},
        "hardware": HARDWARE,
    }
    runs.add_event(connection, run.id, "provenance", {**note, **changes})
    runs.finish(connection, run.id, "done")
    return run.id


def evaluated(
    connection: sqlite3.Connection,
    encoder: str,
    scores: Mapping[tuple[str, str], float | None],
    items: str = "i" * 64,
    columns: Mapping[str, Sequence[float]] = {},
    **result: Any,
) -> str:
    """A finished eval run of an encoder with these scores, and predictions of their items."""
    run = runs.create(connection, "eval", {"encoder": encoder})
    runs.move(connection, run.id, "queued", "running")
    rows: list[dict[str, Any]] = [
        {"model": encoder, "task": task, "metric": metric, "value": value, "pairs": 4, "detail": {}}
        for (task, metric), value in scores.items()
    ]
    runs.add_scores(connection, run.id, rows)
    made = columns or {"spearman": [0.1, 0.2, 0.3, 0.4], "gold": [1.0, 2.0, 3.0, 4.0]}
    stored = [
        predictions.column(run.id, task, name, items, list(values))
        for task in dict.fromkeys(task for task, _ in scores)
        for name, values in made.items()
    ]
    predictions.add(connection, stored)
    runs.finish(connection, run.id, "done", **{"label": encoder, "weights_sha256": f"w-{encoder}", **result})
    return run.id
