"""Brings the index of a run's triplets up to date with its ledger and its filters, a few thousand entries at a time.

Safe to call from several processes and while the run goes on: what is there already is made again, and equal.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from syncse_local.store import filtering, last_word, review, triplet_index
from syncse_local.store.database import writing
from syncse_local.text.words import overlap, tokens

STEP = 4_000
"""Decisions looked at in one transaction, so that others wait for tenths of a second at most."""


def behind(connection: sqlite3.Connection, run_id: str) -> int:
    """How many decisions, of all runs, the entries of a run have not looked at yet."""
    return _newest(connection) - triplet_index.mark(connection, run_id).decision


def _newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM decision").fetchone()[0])


def refresh(connection: sqlite3.Connection, run_id: str) -> int:
    """Make the entries that are new or changed; returns how many were made."""
    made = 0
    shown = triplet_index.mark(connection, run_id)
    newest = _newest(connection)
    while shown.decision < newest:
        upto = min(shown.decision + STEP, newest)
        places = _decided(connection, run_id, shown.decision, upto, newest)
        shown = shown._replace(decision=upto)
        made += _write(connection, run_id, places, shown)
    found = filtering.current(connection, run_id)
    now = found["id"] if found else 0
    if now != shown.filtering:
        judged = sorted({*filtering.touched(connection, shown.filtering), *filtering.touched(connection, now)})
        made += _in_steps(connection, run_id, judged, shown, shown._replace(filtering=now))
        shown = shown._replace(filtering=now)
    reviewed, last = review.touched(connection, run_id, shown.review)
    if last != shown.review:
        made += _in_steps(connection, run_id, reviewed, shown, shown._replace(review=last))
    return made


def _in_steps(
    connection: sqlite3.Connection,
    run_id: str,
    places: Iterable[int],
    before: triplet_index.Mark,
    after: triplet_index.Mark,
) -> int:
    """Make entries anew in short transactions; the mark moves with the last one, so that a stop repeats them."""
    made, pending = 0, iter(places)
    while batch := list(islice(pending, STEP)):
        made += _write(connection, run_id, batch, before)
    _write(connection, run_id, [], after)
    return made


def _write(connection: sqlite3.Connection, run_id: str, places: Iterable[int], mark: triplet_index.Mark) -> int:
    with writing(connection):
        made = _make(connection, run_id, places)
        triplet_index.set_mark(connection, run_id, mark)
    return made


def _decided(connection: sqlite3.Connection, run_id: str, after: int, upto: int, newest: int) -> list[int]:
    """The triplets (places of their positives in the plan) last decided on in this range, as of decision `newest`."""
    rows = connection.execute(
        """SELECT DISTINCT q.ordinal FROM decision AS d
           CROSS JOIN plan AS p INDEXED BY plan_request ON p.request_id = d.request_id AND p.run_id = :run
           CROSS JOIN plan AS q INDEXED BY plan_pair ON q.run_id = p.run_id AND q.sentence_id = p.sentence_id AND q.sample = p.sample
                AND q.role = 'positive'
           WHERE d.id > :after AND d.id <= :upto AND NOT EXISTS (
               SELECT 1 FROM plan AS o INDEXED BY plan_pair CROSS JOIN decision AS e INDEXED BY decision_request
                   ON e.request_id = o.request_id
               WHERE o.run_id = p.run_id AND o.sentence_id = p.sentence_id AND o.sample = p.sample
                   AND e.id > :upto AND e.id <= :newest)
           ORDER BY q.ordinal""",
        {"run": run_id, "after": after, "upto": upto, "newest": newest},
    )
    return [row[0] for row in rows]


def _make(connection: sqlite3.Connection, run_id: str, places: Iterable[int]) -> int:
    rows = connection.execute(
        "SELECT * FROM reviewed_triplet WHERE run_id = ? AND ordinal IN (SELECT value FROM json_each(?)) ORDER BY ordinal",
        (run_id, json.dumps(list(places))),
    )
    made = list(_entries(rows))
    if made:
        triplet_index.put(connection, run_id, made)
    return len(made)


def _entries(rows: Iterable[sqlite3.Row]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        now = last_word.standing(row)
        positive, negative, state, reason = now["positive"], now["negative"], now["state"], now["reason"]
        values = {"run_id": row["run_id"], "state": state, "reason": reason, "prompt": row["positive_prompt"]}
        tags = " ".join(triplet_index.tag(kind, value) for kind, value in values.items() if value)
        sentence = row["sentence"]
        yield (
            *(row["run_id"], row["ordinal"], state, reason, row["positive_prompt"], tags, sentence, positive, negative),
            *(len(tokens(sentence)), overlap(sentence, positive), overlap(sentence, negative)),
        )
