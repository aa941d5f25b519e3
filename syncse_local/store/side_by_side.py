"""A run's answers with the sentence each is about, in the order of the plan. Knows rows; knows no other run."""

import sqlite3
from typing import NamedTuple


class SideAnswer(NamedTuple):
    """One answered request. `text` is what the parser took, empty where it failed; `seconds` overlap between rows in flight."""

    sentence: str
    role: str
    sample: int
    text: str
    failure: str
    raw: str
    output_tokens: int
    seconds: float


def answers(connection: sqlite3.Connection, run_id: str) -> list[SideAnswer]:
    """The answers to a run's requests for positives and hard negatives."""
    rows = connection.execute(
        """SELECT s.text, p.role, p.sample, coalesce(l.text, ''),
                  CASE d.verdict WHEN 'reject' THEN d.reason ELSE '' END, a.text, a.output_tokens, a.seconds
           FROM plan AS p JOIN response AS a ON a.request_id = p.request_id
           JOIN sentence AS s ON s.id = p.sentence_id
           LEFT JOIN latest_parse AS l ON l.request_id = p.request_id
           LEFT JOIN latest_decision AS d ON d.request_id = p.request_id
           WHERE p.run_id = ? AND p.role <> 'sentence' ORDER BY p.ordinal""",
        (run_id,),
    )
    return [SideAnswer._make((*row[:4], row[4] or "", *row[5:])) for row in rows]


def pace(connection: sqlite3.Connection, run_id: str) -> tuple[int, float]:
    """(answers, seconds) from the engine being ready to the last answer; loading the model does not count."""
    ready = connection.execute(
        "SELECT max(time) FROM event WHERE run_id = ? AND kind = 'engine'", (run_id,)
    ).fetchone()[0]
    count, last = connection.execute(
        "SELECT count(*), max(a.created) FROM plan AS p JOIN response AS a ON a.request_id = p.request_id WHERE p.run_id = ?",
        (run_id,),
    ).fetchone()
    return int(count), max(0.0, (last or 0.0) - (ready or 0.0)) if ready and last else 0.0
