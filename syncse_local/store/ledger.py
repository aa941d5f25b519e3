"""The synthesis ledger: sentences, planned requests, responses, parses, decisions and the triplets they make.

Knows rows and keys; knows neither prompts nor engines. A request is answered at most once, whichever runs plan it, and
one that met a fault has no answer: see `faults`.
"""

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from syncse_local.records import Completion
from syncse_local.store import faults, last_word
from syncse_local.store.database import storable, trusted, writing


class Planned(NamedTuple):
    """A planned request with the sentence it is about (none has this key in stage one of scratch).

    `topics` is a JSON list or empty, as is `genre`, for requests that are not about a subject.
    """

    key: str
    ordinal: int
    sentence_key: str
    role: str
    sample: int
    prompt_id: str
    context_id: str
    turn: str
    seed: int
    genre: str = ""
    topics: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A parsed answer: text, typed failure or None, at a position in the raw response (0 except in sentence lists)."""

    text: str
    failure: str | None
    position: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """A completion with its parses; the parser's version stands beside every parse."""

    completion: Completion
    parser_version: int
    outcomes: Sequence[Outcome]


# A planned row as it is: its fields are numbered as `Planned` has them.
_ADD_REQUEST = """INSERT OR IGNORE INTO request (key, role, prompt_id, context_id, turn, seed, genre, topics)
                  VALUES (?1, ?4, ?6, ?7, ?8, ?9, ?10, ?11)"""


def add_sentences(connection: sqlite3.Connection, rows: Sequence[tuple[str, str, str]]) -> dict[str, int]:
    """Store (key, text, source) sentences, each key once; a known key keeps its first text and source.

    Returns the numbers of all of them by key.
    """
    with writing(connection):
        return _add(connection, "sentence", "INSERT OR IGNORE INTO sentence (key, text, source) VALUES (?, ?, ?)", rows)


def add_plan(
    connection: sqlite3.Connection, run_id: str, rows: Iterable[Planned], sentences: Mapping[str, int] | None = None
) -> None:
    """Store planned rows; planning the same run again changes nothing. `sentences`: numbers that are known, by key."""
    planned = list(rows)
    # An engine answers context by context: requests that are stored side by side have their answers side by side too.
    by_context = sorted(planned, key=attrgetter("role", "context_id"))
    with trusted(connection), writing(connection):
        requests = _add(connection, "request", _ADD_REQUEST, by_context)
        known = dict(sentences or {})
        known |= _numbers(connection, "sentence", {row.sentence_key for row in planned}.difference(known))
        connection.executemany(
            "INSERT OR IGNORE INTO plan (run_id, ordinal, request_id, sentence_id, role, sample) VALUES (?, ?, ?, ?, ?, ?)",
            (
                (run_id, ordinal, requests[key], known.get(about), role, sample)
                for key, ordinal, about, role, sample, *_ in planned
            ),
        )
        # A request may have been answered by another run, long before this plan: the index is gone through anew.
        connection.execute("DELETE FROM card_mark WHERE run_id = ?", (run_id,))


def _add(connection: sqlite3.Connection, table: str, insert: str, rows: Sequence[tuple[Any, ...]]) -> dict[str, int]:
    """Store the rows whose key, the first field, is new; returns the numbers of all of them by key."""
    (last,) = connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()
    if connection.executemany(insert, rows).rowcount == len(rows):
        return {row[0]: number for number, row in enumerate(rows, last + 1)}
    return _numbers(connection, table, {row[0] for row in rows})


def _numbers(connection: sqlite3.Connection, table: str, keys: Iterable[str]) -> dict[str, int]:
    """The numbers of those keys that the table has."""
    query = f"SELECT t.key, t.id FROM json_each(?) AS asked CROSS JOIN {table} AS t ON t.key = asked.value"
    return dict(connection.execute(query, (json.dumps(sorted(keys)),)).fetchall())


_WITHOUT_RESPONSE = "NOT EXISTS (SELECT 1 FROM response WHERE response.request_id = p.request_id)"


def pending_contexts(connection: sqlite3.Connection, run_id: str, roles: Sequence[str]) -> list[tuple[str, str, int]]:
    """(role, context, requests without a response) of a run, positives before negatives."""
    marks = ",".join("?" * len(roles))
    rows = connection.execute(
        f"""SELECT r.role, r.context_id, count(DISTINCT r.id) FROM plan AS p JOIN request AS r ON r.id = p.request_id
            WHERE p.run_id = ? AND p.role IN ({marks}) AND {_WITHOUT_RESPONSE}
            GROUP BY r.role, r.context_id ORDER BY r.role DESC, r.context_id""",
        (run_id, *roles),
    )
    return [tuple(row) for row in rows]


def pending_rows(connection: sqlite3.Connection, run_id: str, role: str, context_id: str) -> list[Planned]:
    """Requests of one context that the run plans and that have no response yet, in plan order, each key once."""
    rows = connection.execute(
        f"""SELECT r.key, min(p.ordinal) AS ordinal, coalesce(s.key, '') AS sentence_key, r.role, p.sample,
                   r.prompt_id, r.context_id, r.turn, r.seed, r.genre, r.topics
            FROM request AS r CROSS JOIN plan AS p ON p.request_id = r.id AND p.run_id = ?
            LEFT JOIN sentence AS s ON s.id = p.sentence_id
            WHERE r.role = ? AND r.context_id = ? AND {_WITHOUT_RESPONSE} GROUP BY r.id ORDER BY ordinal""",
        (run_id, role, context_id),
    )
    return [Planned(**dict(row)) for row in rows]


def pending(connection: sqlite3.Connection, run_id: str, roles: Sequence[str]) -> Iterator[Planned]:
    """Planned requests of a run that have no response yet, grouped by context, each key once."""
    for role, context_id, _ in pending_contexts(connection, run_id, roles):
        yield from pending_rows(connection, run_id, role, context_id)


def add_answers(connection: sqlite3.Connection, answers: Sequence[Answered]) -> int:
    """Store responses with their parses and the parser's decision, and faults as faults, all or nothing.

    Returns how many responses were new.
    """
    now = time.time()
    with writing(connection):
        found = _without_response(connection, answers)
        fresh = {number: answer for number, answer in found.items() if answer.completion.answered}
        faults.note(connection, {n: a.completion for n, a in found.items() if not a.completion.answered})
        connection.executemany(
            "INSERT INTO response VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(request_id, storable(done.text), done.finish, storable(done.error), done.prompt_tokens),
                    *(done.cached_tokens, done.output_tokens, done.seconds, now),
                )
                for request_id, done in ((number, answer.completion) for number, answer in fresh.items())
            ),
        )
        connection.executemany(
            "INSERT OR REPLACE INTO parse VALUES (?, ?, ?, ?, ?)",
            (
                (request_id, answer.parser_version, o.position, storable(o.text), o.failure)
                for request_id, answer in fresh.items()
                for o in answer.outcomes
            ),
        )
        connection.executemany(
            "INSERT INTO decision (request_id, source, verdict, reason, created) VALUES (?, 'parser', ?, ?, ?)",
            ((request_id, *decision(answer.outcomes), now) for request_id, answer in fresh.items()),
        )
    return len(fresh)


def _without_response(connection: sqlite3.Connection, answers: Sequence[Answered]) -> dict[int, Answered]:
    """The first answer, or else the first fault, of each request that has no answer, by the request's number."""
    by_key: dict[str, Answered] = {}
    for answer in sorted(answers, key=lambda answer: not answer.completion.answered):
        by_key.setdefault(answer.completion.key, answer)
    rows = connection.execute(
        """SELECT r.key, r.id, a.request_id FROM json_each(?) AS asked JOIN request AS r ON r.key = asked.value
           LEFT JOIN response AS a ON a.request_id = r.id""",
        (json.dumps(list(by_key)),),
    ).fetchall()
    if len(rows) < len(by_key):
        raise KeyError("an answer to a request that was never planned")
    return {request_id: by_key[key] for key, request_id, answered in rows if answered is None}


def decision(outcomes: Sequence[Outcome]) -> tuple[str, str]:
    """The parser's verdict on an answer and its reason: one accepted part is enough, and no part is an empty answer."""
    failures = [o.failure for o in outcomes if o.failure]
    return ("accept", "") if len(failures) < len(outcomes) else ("reject", (failures or ["empty"])[0])


def accepted_sentences(connection: sqlite3.Connection, run_id: str) -> Iterator[str]:
    """The sentences that stage one of a scratch run wrote, in plan order."""
    rows = connection.execute(
        """SELECT a.text FROM plan AS p JOIN parse AS a ON a.request_id = p.request_id
           WHERE p.run_id = ? AND p.role = 'sentence' AND a.failure IS NULL
             AND a.version = (SELECT max(version) FROM parse AS b WHERE b.request_id = a.request_id)
           ORDER BY p.ordinal, a.position""",
        (run_id,),
    )
    return (row[0] for row in rows)


def counts(connection: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """How many requests of the run are planned, answered and accepted, and how many triplets that makes."""
    row = connection.execute(
        """SELECT count(*) AS planned, count(r.request_id) AS answered, coalesce(sum(d.verdict = 'accept'), 0) AS accepted
           FROM plan AS p LEFT JOIN response AS r ON r.request_id = p.request_id
           LEFT JOIN latest_decision AS d ON d.request_id = p.request_id WHERE p.run_id = ?""",
        (run_id,),
    ).fetchone()
    (triplets,) = connection.execute("SELECT count(*) FROM triplet WHERE run_id = ? AND accepted", (run_id,)).fetchone()
    return {**dict(row), "triplets": triplets}


def failures(connection: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Rejected requests of the run by typed reason, most frequent first."""
    rows = connection.execute(
        """SELECT d.reason, count(*) FROM plan AS p JOIN latest_decision AS d ON d.request_id = p.request_id
           WHERE p.run_id = ? AND d.verdict = 'reject' GROUP BY d.reason ORDER BY count(*) DESC, d.reason""",
        (run_id,),
    )
    return {row[0]: row[1] for row in rows}


def commonest_error(connection: sqlite3.Connection, run_id: str) -> tuple[str, int]:
    """What engines said most often of the run's requests that they refused for good, and how often; ("", 0) for none."""
    row = connection.execute(
        """SELECT a.error, count(*) FROM plan AS p JOIN response AS a ON a.request_id = p.request_id
           WHERE p.run_id = ? AND a.error <> '' GROUP BY a.error ORDER BY count(*) DESC, a.error LIMIT 1""",
        (run_id,),
    ).fetchone()
    return (row[0], row[1]) if row else ("", 0)


def candidates(connection: sqlite3.Connection, run_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Triplets whose parts the parser accepted, in plan order, streamed: what filters judge."""
    for run_id in run_ids:
        query = "SELECT * FROM triplet WHERE run_id = ? AND accepted ORDER BY ordinal"
        yield from map(dict, connection.execute(query, (run_id,)))


def triplets(
    connection: sqlite3.Connection, run_ids: Sequence[str], accepted_only: bool = True, filtered: bool = False
) -> Iterator[dict[str, Any]]:
    """Triplet rows of the runs in plan order, streamed: every column of the view, what filters and persons said.

    `filtered` leaves out what the run's latest filters drop, and exchanges positive and negative where they swap. Persons
    have the last word (`last_word`).
    """
    chosen = f"AND {last_word.counts(filtered)}" if accepted_only or filtered else ""
    for run_id in run_ids:
        query = f"SELECT * FROM reviewed_triplet WHERE run_id = ? {chosen} ORDER BY ordinal"
        for row in map(dict, connection.execute(query, (run_id,))):
            row["positive"], row["negative"] = last_word.texts(row, filtered)
            del row["edited_positive"], row["edited_negative"]
            yield row


def answer_to(connection: sqlite3.Connection, key: str) -> tuple[str, str] | None:
    """The raw text and finish of a request's answer, or None where it has none."""
    row = connection.execute(
        "SELECT a.text, a.finish FROM response AS a JOIN request AS r ON r.id = a.request_id WHERE r.key = ?", (key,)
    ).fetchone()
    return (row[0], row[1]) if row else None


def answers(connection: sqlite3.Connection, run_id: str, limit: int, rejected_only: bool) -> list[dict[str, Any]]:
    """Raw answers of a run with prompt, parse and verdict, newest first; `limit` of them."""
    where = "AND d.verdict = 'reject'" if rejected_only else ""
    rows = connection.execute(
        f"""SELECT p.role, r.prompt_id, r.turn, a.text AS raw, a.finish, a.error, l.text AS parsed, d.verdict, d.reason
            FROM plan AS p JOIN request AS r ON r.id = p.request_id JOIN response AS a ON a.request_id = p.request_id
            LEFT JOIN latest_parse AS l ON l.request_id = p.request_id
            LEFT JOIN latest_decision AS d ON d.request_id = p.request_id
            WHERE p.run_id = ? {where} ORDER BY a.created DESC, p.ordinal DESC LIMIT ?""",
        (run_id, limit),
    )
    return [dict(row) for row in rows]
