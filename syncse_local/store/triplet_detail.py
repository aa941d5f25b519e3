"""All that the store holds about one triplet: its two requests and answers, and what was said of it. Knows rows only."""

import sqlite3
from typing import Any

from syncse_local.errors import ExitCode, SyncseError

_PLANNED = """
SELECT p.run_id, p.ordinal, p.sample, s.text AS sentence, s.source, coalesce(pl.text, '') AS positive,
       coalesce(nl.text, '') AS negative, coalesce(pd.verdict, 'unanswered') AS positive_verdict,
       coalesce(nd.verdict, 'unanswered') AS negative_verdict, coalesce(pd.reason, pf.kind, 'not asked yet') AS positive_reason,
       coalesce(nd.reason, nf.kind, 'not asked yet') AS negative_reason, pr.key AS positive_request,
       nr.key AS negative_request, '' AS review, '' AS dropped_by, 0 AS swapped
FROM plan AS p JOIN plan AS n ON n.run_id = p.run_id AND n.sentence_id = p.sentence_id AND n.sample = p.sample
    AND n.role = 'negative'
JOIN sentence AS s ON s.id = p.sentence_id
JOIN request AS pr ON pr.id = p.request_id JOIN request AS nr ON nr.id = n.request_id
LEFT JOIN latest_parse AS pl ON pl.request_id = pr.id LEFT JOIN latest_parse AS nl ON nl.request_id = nr.id
LEFT JOIN latest_decision AS pd ON pd.request_id = pr.id LEFT JOIN latest_decision AS nd ON nd.request_id = nr.id
LEFT JOIN fault AS pf ON pf.request_id = pr.id LEFT JOIN fault AS nf ON nf.request_id = nr.id
WHERE p.run_id = ? AND p.ordinal = ? AND p.role = 'positive'"""
"""A triplet as it is planned, whether or not its requests have answers."""


def triplet(connection: sqlite3.Connection, run_id: str, ordinal: int) -> dict[str, Any]:
    """The triplet at a place of a run's plan, with verdicts and the current review. Raises SyncseError (USAGE).

    The verdict on a part that has no answer is `unanswered`, with the fault as its reason.
    """
    place = (run_id, ordinal)
    row = connection.execute("SELECT * FROM reviewed_triplet WHERE run_id = ? AND ordinal = ?", place).fetchone()
    row = row or connection.execute(_PLANNED, place).fetchone()
    if row is None:
        detail = f"Run {run_id} has no triplet {ordinal}."
        raise SyncseError("No such triplet", detail, "Its numbers are shown by `syncse triplets`.", ExitCode.USAGE)
    return dict(row)


def halves(connection: sqlite3.Connection, found: dict[str, Any]) -> list[dict[str, Any]]:
    """The positive's and the negative's request, raw answer or fault, latest parse and decision."""
    return [_half(connection, found[f"{role}_request"]) for role in ("positive", "negative")]


def _half(connection: sqlite3.Connection, key: str) -> dict[str, Any]:
    row = connection.execute(
        """SELECT r.role, r.prompt_id, r.context_id, r.turn, r.seed, r.key, coalesce(a.text, f.text, '') AS raw,
                  coalesce(a.finish, 'no answer') AS finish, coalesce(a.error, f.said, '') AS error,
                  coalesce(a.prompt_tokens, 0) AS prompt_tokens, coalesce(a.cached_tokens, 0) AS cached_tokens,
                  coalesce(a.output_tokens, 0) AS output_tokens, coalesce(a.seconds, 0.0) AS seconds,
                  coalesce(l.text, '') AS parsed, l.failure, coalesce(l.version, 0) AS parser,
                  coalesce(d.source, 'parser') AS source, coalesce(d.verdict, 'unanswered') AS verdict,
                  coalesce(d.reason, f.kind, 'not asked yet') AS reason, d.created AS decided
           FROM request AS r LEFT JOIN response AS a ON a.request_id = r.id
           LEFT JOIN latest_parse AS l ON l.request_id = r.id LEFT JOIN latest_decision AS d ON d.request_id = r.id
           LEFT JOIN fault AS f ON f.request_id = r.id
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
