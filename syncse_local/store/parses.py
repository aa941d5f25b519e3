"""Stored answers with the parses they were given, and new parses beside the old ones. Knows rows; knows no parser."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from syncse_local.store import filtering
from syncse_local.store.database import storable, writing
from syncse_local.store.ledger import Outcome, Planned, decision

PAGE = 1_000
"""Answers in memory at once: raw answers may have thousands of characters."""


@dataclass(frozen=True, slots=True)
class StoredParse:
    """A raw answer of a run, what its latest parse made of it, and that parse's version."""

    request_id: int
    row: Planned
    text: str
    finish: str
    version: int
    outcomes: list[Outcome]


def older_than(connection: sqlite3.Connection, run_id: str, version: int) -> Iterator[StoredParse]:
    """The answers of a run whose latest parse is by an earlier parser, in the order of their requests; read in pages."""
    last = 0
    while page := _page(connection, run_id, version, last):
        yield from page
        last = page[-1].request_id


def _page(connection: sqlite3.Connection, run_id: str, version: int, after: int) -> list[StoredParse]:
    rows = connection.execute(
        """SELECT r.id, r.key, min(p.ordinal) AS ordinal, coalesce(s.key, '') AS sentence_key, r.role, p.sample,
                  r.prompt_id, r.context_id, r.turn, r.seed, r.genre, r.topics, a.text, a.finish,
                  (SELECT coalesce(max(version), 0) FROM parse WHERE parse.request_id = r.id) AS parsed
           FROM plan AS p JOIN request AS r ON r.id = p.request_id JOIN response AS a ON a.request_id = r.id
           LEFT JOIN sentence AS s ON s.id = p.sentence_id
           WHERE p.run_id = ? AND r.id > ? AND parsed < ? GROUP BY r.id ORDER BY r.id LIMIT ?""",
        (run_id, after, version, PAGE),
    ).fetchall()
    return [_parsed(connection, dict(row)) for row in rows]


def _parsed(connection: sqlite3.Connection, data: dict[str, str | int]) -> StoredParse:
    number, version = int(data.pop("id")), int(data.pop("parsed"))
    text, finish = str(data.pop("text")), str(data.pop("finish"))
    old = connection.execute(
        "SELECT text, failure, position FROM parse WHERE request_id = ? AND version = ? ORDER BY position",
        (number, version),
    )
    row = Planned(**data)  # type: ignore[arg-type]
    return StoredParse(number, row, text, finish, version, [Outcome(*found) for found in old])


def add(connection: sqlite3.Connection, version: int, parses: Sequence[tuple[StoredParse, list[Outcome]]]) -> list[str]:
    """Store newer parses beside the old ones, all or nothing.

    Where something differs, the parser decides anew, unless a person or another source had the last word, and filters
    over the old texts are set aside; returns the runs whose were.
    """
    now = time.time()
    changed = [(old, new) for old, new in parses if differs(old.outcomes, new)]
    with writing(connection):
        for old, new in parses:
            connection.executemany(
                "INSERT OR REPLACE INTO parse VALUES (?, ?, ?, ?, ?)",
                [(old.request_id, version, o.position, storable(o.text), o.failure) for o in new],
            )
        for old, new in changed:
            verdict, reason = decision(new)
            connection.execute(
                """INSERT INTO decision (request_id, source, verdict, reason, created)
                   SELECT request_id, 'parser', ?, ?, ? FROM latest_decision WHERE request_id = ? AND source = 'parser'""",
                (verdict, reason, now, old.request_id),
            )
        return filtering.outdate(connection, [old.request_id for old, _ in changed]) if changed else []


def differs(old: Sequence[Outcome], new: Sequence[Outcome]) -> bool:
    """Whether two parses differ in a text or a failure."""
    return [(o.position, storable(o.text), o.failure) for o in old] != [
        (o.position, storable(o.text), o.failure) for o in new
    ]
