"""What persons said of triplets: accept, reject, edit, and taking that back. Rows are added, never changed.

A triplet is named by the keys of its two requests, so that its reviews stay with it in other runs and merged workspaces.
"""

import secrets
import sqlite3
import time
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store.database import writing
from syncse_local.text.clean import storable

ACTIONS = ("accept", "reject", "edit")


def requests_of(connection: sqlite3.Connection, run_id: str, ordinal: int) -> tuple[str, str]:
    """The keys of the requests of the triplet at a place of a run's plan. Raises SyncseError (USAGE) where there is none."""
    row = connection.execute(
        "SELECT positive_request, negative_request FROM triplet WHERE run_id = ? AND ordinal = ?", (run_id, ordinal)
    ).fetchone()
    if row is None:
        hint = "Its numbers are shown by `syncse triplets`."
        raise SyncseError("No such triplet", f"Run {run_id} has no triplet {ordinal}.", hint, ExitCode.USAGE)
    return row[0], row[1]


def add(
    connection: sqlite3.Connection,
    triplet: tuple[str, str],
    action: str,
    author: str,
    positive: str = "",
    negative: str = "",
    note: str = "",
) -> str:
    """Store what a person says; an edit brings both texts. Returns the row's key. Raises SyncseError (USAGE)."""
    if action not in ACTIONS:
        said = f"Choose one of: {', '.join(ACTIONS)}."
        raise SyncseError("Unknown decision", f'"{action}" is none.', said, ExitCode.USAGE)
    if action == "edit" and not (positive.strip() and negative.strip()):
        detail = "An edited triplet needs a positive and a hard negative."
        raise SyncseError("An empty text", detail, "Write both, or reject the triplet.", ExitCode.USAGE)
    return _insert(connection, triplet, action, author, positive.strip(), negative.strip(), storable(note))


def undo(connection: sqlite3.Connection, triplet: tuple[str, str], author: str) -> dict[str, Any]:
    """Take back the author's last standing word on a triplet; what stood before it stands again.

    Returns what was taken back. Raises SyncseError (NOTHING) where the author has said nothing.
    """
    row = connection.execute(
        "SELECT * FROM standing_review WHERE positive_request = ? AND negative_request = ? AND author = ? "
        "ORDER BY id DESC LIMIT 1",
        (*triplet, author),
    ).fetchone()
    if row is None:
        detail = f"{author} has no decision on this triplet."
        raise SyncseError("Nothing to undo", detail, "See `syncse review RUN --list`.", ExitCode.NOTHING)
    _insert(connection, triplet, "undo", author, undoes=row["key"])
    return dict(row)


def _insert(
    connection: sqlite3.Connection,
    triplet: tuple[str, str],
    action: str,
    author: str,
    positive: str = "",
    negative: str = "",
    note: str = "",
    undoes: str = "",
) -> str:
    key = secrets.token_hex(12)
    with writing(connection):
        connection.execute(
            "INSERT INTO review (key, positive_request, negative_request, action, positive, negative, note, undoes, "
            "author, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, *triplet, action, positive, negative, note, undoes, author, time.time()),
        )
    return key


def listed(connection: sqlite3.Connection, run_id: str) -> list[dict[str, Any]]:
    """The standing reviews of a run's triplets in plan order, of all authors, with the texts that were reviewed."""
    rows = connection.execute(
        """SELECT t.ordinal, t.sentence, t.positive, t.negative, r.action, r.positive AS edited_positive,
                  r.negative AS edited_negative, r.note, r.author, r.created
           FROM standing_review AS r CROSS JOIN request AS q ON q.key = r.positive_request
           CROSS JOIN plan AS p INDEXED BY plan_request ON p.request_id = q.id AND p.run_id = ?
           CROSS JOIN triplet AS t ON t.run_id = p.run_id AND t.ordinal = p.ordinal
               AND t.negative_request = r.negative_request
           WHERE p.role = 'positive' ORDER BY t.ordinal, r.id""",
        (run_id,),
    )
    return [dict(row) for row in rows]


def touched(connection: sqlite3.Connection, run_id: str, after: int) -> tuple[list[int], int]:
    """(places of the run's triplets that were reviewed since review `after`, the newest review)."""
    newest = connection.execute("SELECT coalesce(max(id), 0) FROM review").fetchone()[0]
    rows = connection.execute(
        """SELECT DISTINCT p.ordinal FROM review AS r CROSS JOIN request AS q ON q.key = r.positive_request
           CROSS JOIN plan AS p INDEXED BY plan_request ON p.request_id = q.id AND p.run_id = ?
           WHERE r.id > ? AND r.id <= ? AND p.role = 'positive' ORDER BY p.ordinal""",
        (run_id, after, newest),
    )
    return [row[0] for row in rows], newest
