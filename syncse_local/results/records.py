"""The scores of eval runs as plain records: figures 0 to 1 and x 100, by which protocol, of which weights and items."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.tasks import FAMILIES, TASKS, family_of
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.store import predictions, runs
from syncse_local.store.runs import Run, evaluation

PROTOCOLS = {
    "spearman": 'Spearman of cosines, "all": a year\'s subsets concatenated, pairs without gold skipped (SimCSE)',
    "spearman_mean": "Spearman of cosines, plain mean over a year's subsets (SentEval)",
    "spearman_wmean": "Spearman of cosines, mean over a year's subsets weighted by pairs (SentEval)",
    "pearson": 'Pearson of cosines, "all": a year\'s subsets concatenated',
    "pearson_mean": "Pearson of cosines, plain mean over a year's subsets (SentEval)",
    "pearson_wmean": "Pearson of cosines, mean over a year's subsets weighted by pairs (SentEval)",
    "map": "MAP as MTEB v1 computes it: scikit-learn's average precision, mean over queries",
    "map@1000": "MAP at 1000 as MTEB v2 computes it: trec_eval's",
    "mrr@10": "MRR at 10 as MTEB v2 computes it",
    "ndcg@10": "nDCG at 10 as MTEB v2 computes it: trec_eval's",
    "accuracy": "accuracy of logistic regression on fixed embeddings, SentEval's folds and grid, seed 1111",
    "f1": "F1 of logistic regression on fixed embeddings, SentEval's folds and grid, seed 1111",
}
"""What each metric is, in a line that can stand under a table."""


def collect(connection: sqlite3.Connection, names: Sequence[str]) -> list[dict[str, Any]]:
    """A record for each eval run, in the order given. Raises SyncseError (USAGE) for runs that are none or not done, and
    (NOTHING) where one has no score."""
    return [_record(connection, evaluation(connection, name)) for name in dict.fromkeys(names)]


def _record(connection: sqlite3.Connection, run: Run) -> dict[str, Any]:
    items = predictions.items(connection, run.id)
    rows = runs.scores(connection, run.id)
    if not rows:
        detail = f"Run {run.id} has no score."
        raise SyncseError("No results", detail, "Evaluate the encoder again: `syncse eval DIR`.", ExitCode.NOTHING)
    tasks = {row["task"]: family_of(row["task"]) for row in rows}
    order = [metric for family in FAMILIES.values() for metric in family.shown]
    rows.sort(key=lambda row: (_place(list(TASKS), row["task"]), _place(order, row["metric"])))
    return {
        "run": run.id,
        "label": str(run.result.get("label") or run.id),
        "encoder": EvaluateSpec.of(run.options).encoder,
        "weights_sha256": str(run.result.get("weights_sha256") or ""),
        "ended": run.ended,
        "scores": [_score(row, tasks[row["task"]], items.get(row["task"], "")) for row in rows],
        "averages": run.result.get("averages") or {},
        "missing": run.result.get("missing") or {},
    }


def _place(order: Sequence[str], name: str) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _score(row: dict[str, Any], family: str, items_sha256: str) -> dict[str, Any]:
    value, detail = row["value"], row["detail"]
    return {
        "task": row["task"],
        "family": family,
        "metric": row["metric"],
        "protocol": PROTOCOLS.get(row["metric"], ""),
        "value": value,
        "x100": None if value is None else 100 * value,
        "items": row["pairs"],
        "skipped": detail.get("skipped", 0),
        "complete": detail.get("complete", True),
        "items_sha256": items_sha256,
        "notes": detail.get("notes", []),
    }
