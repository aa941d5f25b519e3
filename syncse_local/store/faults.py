"""Requests that were asked in vain: the last fault of each. A fault is never an answer, so they stay to be asked.

Knows rows; knows no engine. A fault stays on record when its request is answered, and counts no more.
"""

import sqlite3
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from syncse_local.records import Completion
from syncse_local.store.database import storable

_OPEN = "NOT EXISTS (SELECT 1 FROM response AS a WHERE a.request_id = p.request_id)"
UNASKED = "not asked yet"


class Unanswered(NamedTuple):
    """Requests of a run that lack an answer for the same reason: how many, and the newest one's words."""

    kind: str
    requests: int
    example: str


def note(connection: sqlite3.Connection, faults: Mapping[int, Completion]) -> None:
    """Keep the faults of requests, by their numbers; for use inside a transaction."""
    connection.executemany(
        """INSERT INTO fault (request_id, kind, said, text, created) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (request_id) DO UPDATE SET kind = excluded.kind, said = excluded.said, text = excluded.text,
             times = times + 1, created = excluded.created""",
        [
            (number, storable(f.fault or "engine"), storable(f.error), storable(f.text), time.time())
            for number, f in faults.items()
        ],
    )


def unanswered(connection: sqlite3.Connection, run_id: str) -> list[Unanswered]:
    """What a run's requests without an answer met, most frequent first; requests that nobody asked come last."""
    rows = connection.execute(
        f"""SELECT f.kind, count(DISTINCT p.request_id), f.said, max(f.created)
            FROM plan AS p LEFT JOIN fault AS f ON f.request_id = p.request_id
            WHERE p.run_id = ? AND {_OPEN} GROUP BY f.kind ORDER BY f.kind IS NULL, 2 DESC, 1""",
        (run_id,),
    )
    return [Unanswered(row[0] or UNASKED, row[1], row[2] or "") for row in rows]


def requests(connection: sqlite3.Connection, run_id: str) -> int:
    """How many requests a run plans, each counted once."""
    query = "SELECT count(DISTINCT request_id) FROM plan WHERE run_id = ?"
    return int(connection.execute(query, (run_id,)).fetchone()[0])


def rows(connection: sqlite3.Connection, run_id: str, limit: int) -> list[dict[str, Any]]:
    """The newest faults of a run's requests without an answer, in the form of `ledger.answers`."""
    found = connection.execute(
        f"""SELECT p.role, r.prompt_id, r.turn, f.text AS raw, 'error' AS finish, f.said AS error, NULL AS parsed,
                   'unanswered' AS verdict, f.kind AS reason
            FROM plan AS p JOIN fault AS f ON f.request_id = p.request_id JOIN request AS r ON r.id = p.request_id
            WHERE p.run_id = ? AND {_OPEN} GROUP BY p.request_id ORDER BY f.created DESC, p.ordinal LIMIT ?""",
        (run_id, limit),
    )
    return [dict(row) for row in found]
