"""All that the store holds about one triplet: its two requests and answers, and what was said of it. Knows rows only."""

import sqlite3
from typing import Any

from syncse_local.errors import ExitCode, SyncseError


def triplet(connection: sqlite3.Connection, run_id: str, ordinal: int) -> dict[str, Any]:
    """The triplet at a place of a run's plan, with verdicts and the current review. Raises SyncseError (USAGE)."""
    row = connection.execute(
        "SELECT * FROM reviewed_triplet WHERE run_id = ? AND ordinal = ?", (run_id, ordinal)
    ).fetchone()
    if row is None:
        detail = f"Run {run_id} has no triplet {ordinal}."
        raise SyncseError("No such triplet", detail, "Its numbers are shown by `syncse triplets`.", ExitCode.USAGE)
    return dict(row)


def halves(connection: sqlite3.Connection, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The positive's and the negative's request, raw answer, latest parse and decision."""
    return [_half(connection, found[f"{role}_request"]) for role in ("positive", "negative")]


def _half(connection: sqlite3.Connection, key: str) -> dict[str, Any]:
    row = connection.execute(
        """SELECT r.role, r.prompt_id, r.context_id, r.turn, r.seed, r.key, a.text AS raw, a.finish, a.error, a.prompt_tokens,
                  a.cached_tokens, a.output_tokens, a.seconds, l.text AS parsed, l.failure, l.version AS parser,
                  d.source, d.verdict, d.reason, d.created AS decided
           FROM request AS r JOIN response AS a ON a.request_id = r.id
           JOIN latest_parse AS l ON l.request_id = r.id JOIN latest_decision AS d ON d.request_id = r.id
           WHERE r.key = ?""",
        (key,),
    ).fetchone()
    return dict(row)


def verdicts(connection: sqlite3.Connection, run_id: str, ordinal: int) -> list[dict[str, Any]]:
    """What each filter of the run's latest application said of a triplet: filter, verdict, score, reason."""
    rows = connection.execute(
        """SELECT v.filter, v.verdict, v.score, v.reason FROM current_filtering AS f CROSS JOIN verdict AS v
           ON v.filtering_id = f.id AND v.ordinal = ? WHERE f.run_id = ? ORDER BY v.filter""",
        (ordinal, run_id),
    )
    return [dict(row) for row in rows]


def reviews(connection: sqlite3.Connection, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The standing decisions of persons on a triplet, the first one first."""
    rows = connection.execute(
        """SELECT action, positive, negative, note, author, created FROM standing_review
           WHERE positive_request = ? AND negative_request = ? ORDER BY id""",
        (found["positive_request"], found["negative_request"]),
    )
    return [dict(row) for row in rows]
