"""Triplets as front ends browse them: flat rows with a full-text index, paged by place in any order.

Knows rows and queries; what a card holds is made in `synthesis.browse`.
"""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from syncse_local.errors import ExitCode, SyncseError

SORTS = ("plan", "words", "positive_overlap", "negative_overlap")
STATES = ("accepted", "rejected", "dropped")
PAGE = 100
COLUMNS = (
    "run_id", "ordinal", "state", "reason", "prompt", "tags", "sentence", "positive", "negative", "words",
    "positive_overlap", "negative_overlap",
)  # fmt: skip
TAGGED = ("run_id", "state", "reason", "prompt")
BY_PERSONS = ("person", "edited")
"""The reasons of triplets that a person has decided on."""


@dataclass(frozen=True, slots=True)
class TripletQuery:
    """Which triplets of a run, in what order; empty text means any.

    `state` is one of STATES; `reason` a parser's reason or a filter's name; `search` words that must all occur, with `*` for
    any ending. `reviewed` is "yes" for what a person has decided on, "no" for the rest. `sort` is one of SORTS. Found rows, and those
    of the plan that are not reviewed, come in the order they were made.
    """

    run_id: str
    state: str = ""
    reason: str = ""
    prompt: str = ""
    search: str = ""
    sort: str = "plan"
    falling: bool = False
    reviewed: str = ""

    def __post_init__(self) -> None:
        for name, known in (("sort", SORTS), ("state", ("", *STATES)), ("reviewed", ("", "yes", "no"))):
            if (value := getattr(self, name)) not in known:
                listed = ", ".join(filter(None, known))
                raise SyncseError(f"Unknown {name}", f'"{value}" is none.', f"Choose one of: {listed}.", ExitCode.USAGE)


def tag(kind: str, value: str) -> str:
    """One word that stands for a value in the full-text index, whatever letters the value has."""
    return f"t{hashlib.blake2b(f'{kind}={value}'.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"


def expression(query: TripletQuery) -> str:
    """The query in FTS5's language: every word of the user's as a quoted string, so that any text is a search."""
    terms = []
    for word in query.search.replace("\0", " ").split():
        ending = "*" if word.endswith("*") and len(word) > 1 else ""
        if any(letter.isalnum() for letter in word):
            quoted = word.rstrip("*").replace('"', '""')
            terms.append(f'"{quoted}"{ending}')
    found = [f"{{sentence positive negative}} : ({' AND '.join(terms)})"] if terms else []
    wanted = ((kind, getattr(query, kind)) for kind in TAGGED)
    found += [f'tags : "{tag(kind, value)}"' for kind, value in wanted if value]
    persons = " OR ".join(f'"{tag("reason", reason)}"' for reason in BY_PERSONS)
    found += [f"tags : ({persons})"] if query.reviewed == "yes" else []
    return f"({' AND '.join(found)})" + (f" NOT tags : ({persons})" if query.reviewed == "no" else "")


def page(
    connection: sqlite3.Connection, query: TripletQuery, start: int, limit: int = PAGE, length: int = 0
) -> list[dict[str, Any]]:
    """The cards at places `start` to `start + limit` of the query's result.

    `length` is how many cards the query finds, where that is known: SQLite walks to a place, and from the end to one beyond the middle.
    """
    start = max(0, start)
    stop = min(start + limit, length)
    if start < stop and length - stop < start:
        turned = replace(query, falling=not query.falling)
        return _at(connection, turned, length - stop, stop - start)[::-1]
    return _at(connection, query, start, limit)


def _at(connection: sqlite3.Connection, query: TripletQuery, start: int, limit: int) -> list[dict[str, Any]]:
    inner, values = _places(query, "id")
    rows = connection.execute(
        f"SELECT c.* FROM ({inner} LIMIT ? OFFSET ?) AS chosen CROSS JOIN card AS c ON c.id = chosen.id",
        (*values, limit, start),
    )
    return [dict(row) for row in rows]


def count(connection: sqlite3.Connection, query: TripletQuery) -> int:
    """How many cards the query finds."""
    inner, values = _places(query, "id", ordered=False)
    return int(connection.execute(f"SELECT count(*) FROM ({inner})", values).fetchone()[0])


def place(connection: sqlite3.Connection, query: TripletQuery, ordinal: int) -> int:
    """How many cards of the query's result come before the card of a triplet, which may itself be none of them."""
    card = connection.execute("SELECT * FROM card WHERE run_id = ? AND ordinal = ?", (query.run_id, ordinal)).fetchone()
    if card is None:
        return 0
    before = ">" if query.falling else "<"
    keys = ["rowid"] if _in_text(query) else ["ordinal"] if query.sort == "plan" else [query.sort, "ordinal"]
    where = f"({', '.join(keys)}) {before} ({', '.join('?' * len(keys))})"
    values = [card["id" if key == "rowid" else key] for key in keys]
    inner, wanted = _places(query, "id", ordered=False)
    return int(connection.execute(f"SELECT count(*) FROM ({inner} AND {where})", (*wanted, *values)).fetchone()[0])


def _in_text(query: TripletQuery) -> bool:
    """Whether the full-text index answers: for what is not reviewed too, as no index has reasons in the plan's order."""
    return bool(query.search.strip()) or (query.reviewed == "no" and query.sort == "plan")


def _places(query: TripletQuery, column: str, ordered: bool = True) -> tuple[str, tuple[object, ...]]:
    way = "DESC" if query.falling else "ASC"
    if _in_text(query):
        order = f"ORDER BY rowid {way}" if ordered else ""
        return f"SELECT rowid AS {column} FROM card_text WHERE card_text MATCH ? {order}", (expression(query),)
    wanted = [(name, getattr(query, name)) for name in TAGGED if getattr(query, name)]
    where = " AND ".join(f"{name} = ?" for name, _ in wanted)
    if query.reviewed:
        where += f" AND reason {'' if query.reviewed == 'yes' else 'NOT'} IN ({', '.join('?' * len(BY_PERSONS))})"
    by = f"ordinal {way}" if query.sort == "plan" else f"{query.sort} {way}, ordinal {way}"
    values = (*(value for _, value in wanted), *(BY_PERSONS if query.reviewed else ()))
    source = "card INDEXED BY card_reason" if query.reviewed == "yes" else "card"  # a person decides on few
    return f"SELECT id AS {column} FROM {source} WHERE {where} {f'ORDER BY {by}' if ordered else ''}", values


def reasons(connection: sqlite3.Connection, run_id: str) -> list[tuple[str, str, int]]:
    """(state, reason, cards) of a run, frequent first."""
    rows = connection.execute(
        "SELECT state, reason, count(*) FROM card INDEXED BY card_words WHERE run_id = ? "
        "GROUP BY state, reason ORDER BY 3 DESC, 1, 2",
        (run_id,),
    )
    return [tuple(row) for row in rows]


def prompts(connection: sqlite3.Connection, run_id: str) -> list[tuple[str, int]]:
    """(prompt of the positive, cards) of a run, by name."""
    rows = connection.execute(
        "SELECT prompt, count(*) FROM card WHERE run_id = ? GROUP BY prompt ORDER BY 1", (run_id,)
    )
    return [tuple(row) for row in rows]


class Mark(NamedTuple):
    """How far a run's cards are: the last decision, the application of filters and the last review that they show."""

    decision: int = 0
    filtering: int = 0
    review: int = 0


def mark(connection: sqlite3.Connection, run_id: str) -> Mark:
    """How far the run's cards are."""
    row = connection.execute("SELECT decision, filtering, review FROM card_mark WHERE run_id = ?", (run_id,)).fetchone()
    return Mark(*row) if row else Mark()


def set_mark(connection: sqlite3.Connection, run_id: str, mark: Mark) -> None:
    """Note how far the cards are; for use inside the transaction that brings them there."""
    connection.execute(
        "INSERT OR REPLACE INTO card_mark (run_id, decision, filtering, review) VALUES (?, ?, ?, ?)", (run_id, *mark)
    )


def put(connection: sqlite3.Connection, run_id: str, cards: Sequence[Sequence[object]]) -> None:
    """Add or change cards (values in the order of COLUMNS) and what is searched of them; inside a transaction."""
    places = json.dumps([card[1] for card in cards])
    chosen = "FROM card WHERE run_id = ? AND ordinal IN (SELECT value FROM json_each(?))"
    searched = "sentence, positive, negative, tags"
    connection.execute(
        f"INSERT INTO card_text (card_text, rowid, {searched}) SELECT 'delete', id, {searched} {chosen}",
        (run_id, places),
    )
    changed = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[2:])
    connection.executemany(
        f"INSERT INTO card ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
        f"ON CONFLICT (run_id, ordinal) DO UPDATE SET {changed}",
        cards,
    )
    connection.execute(
        f"INSERT INTO card_text (rowid, {searched}) SELECT id, {searched} {chosen} ORDER BY id", (run_id, places)
    )
