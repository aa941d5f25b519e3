"""The newest triplets of a run while it is at work. Looks at its last answers only, so that it costs the same for any size."""

import sqlite3
from typing import Any

WINDOW = 200
"""How many of the newest decisions, of all runs, are looked at: they are numbered as they come, as answers are not."""


def triplets(connection: sqlite3.Connection, run_id: str, limit: int) -> list[dict[str, Any]]:
    """Up to `limit` triplets whose last answer came last, newest first: sentence, positive, negative."""
    rows = connection.execute(
        f"""WITH newest AS (
                SELECT p.sentence_id, p.sample, max(d.id) AS id
                FROM (SELECT id, request_id FROM decision ORDER BY id DESC LIMIT {WINDOW}) AS d
                JOIN plan AS p ON p.request_id = d.request_id AND p.run_id = :run
                GROUP BY p.sentence_id, p.sample)
            SELECT s.text AS sentence, pl.text AS positive, nl.text AS negative
            FROM newest AS n JOIN sentence AS s ON s.id = n.sentence_id
            JOIN plan AS pp ON pp.run_id = :run AND pp.sentence_id = n.sentence_id AND pp.sample = n.sample
                AND pp.role = 'positive'
            JOIN plan AS np ON np.run_id = :run AND np.sentence_id = n.sentence_id AND np.sample = n.sample
                AND np.role = 'negative'
            JOIN latest_parse AS pl ON pl.request_id = pp.request_id AND pl.failure IS NULL
            JOIN latest_parse AS nl ON nl.request_id = np.request_id AND nl.failure IS NULL
            ORDER BY n.id DESC LIMIT :limit""",
        {"run": run_id, "limit": limit},
    )
    return [dict(row) for row in rows]
