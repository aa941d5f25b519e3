"""Applications of filters to a run: their verdicts, one row a triplet and filter. Every application stays.

Knows rows; knows no filter. Measurements that filters need are in `store.measurements`.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from syncse_local.store.database import writing

BATCH = 5_000
"""Verdicts in one transaction, so that others wait for tenths of a second at most."""


class VerdictRow(NamedTuple):
    """What one filter said of the triplet at a place of the plan."""

    ordinal: int
    filter: str
    version: int
    verdict: str
    score: float | None
    reason: str


def record(
    connection: sqlite3.Connection,
    run_id: str,
    params: dict[str, Any],
    params_hash: str,
    detail: dict[str, Any],
    judged: int,
    rows: Iterable[VerdictRow],
) -> int:
    """Store an application in short transactions; it counts once the last row is in. Returns its number."""
    values = (run_id, json.dumps(params), params_hash, json.dumps(detail), judged, time.time())
    with writing(connection):
        cursor = connection.execute(
            "INSERT INTO filtering (run_id, params, params_hash, detail, judged, created) VALUES (?, ?, ?, ?, ?, ?)",
            values,
        )
    number = int(cursor.lastrowid or 0)
    pending = iter(rows)
    while batch := list(islice(pending, BATCH)):
        with writing(connection):
            connection.executemany(
                "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, ?, ?)", ((number, *row) for row in batch)
            )
    with writing(connection):
        connection.execute("UPDATE filtering SET state = 'done' WHERE id = ?", (number,))
    return number


def current(connection: sqlite3.Connection, run_id: str) -> dict[str, Any] | None:
    """The run's latest application with its JSON decoded, or None where its triplets stand unfiltered."""
    row = connection.execute("SELECT * FROM current_filtering WHERE run_id = ?", (run_id,)).fetchone()
    return {**dict(row), "params": json.loads(row["params"]), "detail": json.loads(row["detail"])} if row else None


def tally(connection: sqlite3.Connection, filtering_id: int) -> dict[str, dict[str, int]]:
    """For each filter that said anything but keep, how often it said what."""
    rows = connection.execute(
        """SELECT filter, verdict, count(*) FROM verdict WHERE filtering_id = ? AND verdict <> 'keep'
           GROUP BY filter, verdict ORDER BY count(*) DESC, filter""",
        (filtering_id,),
    )
    found: dict[str, dict[str, int]] = {}
    for name, verdict, count in rows:
        found.setdefault(name, {})[verdict] = count
    return found


def changed_places(connection: sqlite3.Connection, filtering_id: int) -> dict[int, str]:
    """The places that an application dropped (`drop`) or exchanged (`swap`); a dropped one counts as dropped."""
    rows = connection.execute(
        "SELECT ordinal, verdict FROM verdict WHERE filtering_id = ? AND verdict IN ('drop', 'swap') ORDER BY verdict DESC",
        (filtering_id,),
    )
    return dict(rows.fetchall())


def touched(connection: sqlite3.Connection, filtering_id: int) -> list[int]:
    """The places of which an application says anything but keep; none for application 0."""
    rows = connection.execute(
        "SELECT DISTINCT ordinal FROM verdict WHERE filtering_id = ? AND verdict <> 'keep'", (filtering_id,)
    )
    return [row[0] for row in rows]


def flagged(connection: sqlite3.Connection, run_id: str, name: str) -> set[int]:
    """The places of the plan that one filter of the run's latest application flags."""
    rows = connection.execute(
        """SELECT v.ordinal FROM verdict AS v JOIN current_filtering AS f ON f.id = v.filtering_id
           WHERE f.run_id = ? AND v.filter = ? AND v.verdict = 'flag'""",
        (run_id, name),
    )
    return {row[0] for row in rows}


def summary(connection: sqlite3.Connection, run_id: str) -> dict[str, Any] | None:
    """The latest application in figures: what was judged, what the filtered view keeps, each filter's counts."""
    found = current(connection, run_id)
    if found is None:
        return None
    kept, accepted = connection.execute(
        "SELECT coalesce(sum(dropped_by = ''), 0), count(*) FROM judged_triplet WHERE run_id = ? AND accepted",
        (run_id,),
    ).fetchone()
    return {
        "params": found["params"],
        "params_hash": found["params_hash"],
        "detail": found["detail"],
        "judged": found["judged"],
        "unjudged": max(0, accepted - found["judged"]),
        "kept": kept,
        "filters": tally(connection, found["id"]),
    }


def outdate(connection: sqlite3.Connection, request_ids: Sequence[int]) -> list[str]:
    """Set aside the applications of every run that plans one of these requests; returns the runs' ids.

    For use inside a write transaction: the texts that were judged have changed.
    """
    listed = json.dumps(list(request_ids))
    runs = connection.execute(
        """SELECT DISTINCT f.run_id FROM filtering AS f JOIN plan AS p ON p.run_id = f.run_id
           WHERE f.state = 'done' AND p.request_id IN (SELECT value FROM json_each(?))""",
        (listed,),
    ).fetchall()
    connection.executemany("UPDATE filtering SET state = 'stale' WHERE run_id = ? AND state = 'done'", runs)
    return [row[0] for row in runs]
