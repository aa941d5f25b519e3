"""Triplets as front ends browse them: flat rows with a full-text index, paged by place in any order.

An entry is one triplet as it counts now; `synthesis.index_triplets` makes them. In the schema they are called `card`.
"""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store.last_word import BY_PERSONS

SORTS = ("plan", "words", "positive_overlap", "negative_overlap")
STATES = ("accepted", "rejected", "dropped")
PAGE = 100
"""Rows handed out at once: two screens of a large terminal."""
STRETCH = 5_000
"""Entries between two known places of an outline: a few milliseconds to walk."""
COLUMNS = (
    "run_id", "ordinal", "state", "reason", "prompt", "tags", "sentence", "positive", "negative", "words",
    "positive_overlap", "negative_overlap",
)  # fmt: skip
TAGGED = ("run_id", "state", "reason", "prompt")


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


@dataclass(frozen=True, slots=True)
class Outline:
    """How long a query's result is, and the sort key of every `stretch`-th entry: from there it is not far to any place."""

    total: int
    stretch: int
    ends: tuple[tuple[object, ...], ...] = ()


def outline(connection: sqlite3.Connection, query: TripletQuery, stretch: int = STRETCH) -> Outline:
    """Walk through the result once."""
    ends: list[tuple[object, ...]] = []
    keys = ", ".join(_keys(query))
    while True:
        inner, values = _places(connection, query, keys, after=ends[-1] if ends else ())
        end = connection.execute(f"{inner} LIMIT 1 OFFSET {stretch - 1}", values).fetchone()
        if end is None:
            rest, values = _places(connection, query, "1", ordered=False, after=ends[-1] if ends else ())
            (left,) = connection.execute(f"SELECT count(*) FROM ({rest})", values).fetchone()
            return Outline(len(ends) * stretch + left, stretch, tuple(ends))
        ends.append(tuple(end))


def page(
    connection: sqlite3.Connection, query: TripletQuery, start: int, limit: int = PAGE, known: Outline | None = None
) -> list[dict[str, Any]]:
    """The entries at places `start` to `start + limit` of the query's result; soon at any place of an outline that is `known`."""
    start, after = max(0, start), tuple[object, ...]()
    if known and (passed := min(start // known.stretch, len(known.ends))):
        start, after = start - passed * known.stretch, known.ends[passed - 1]
    inner, values = _places(connection, query, "rowid AS id", after=after)
    rows = connection.execute(
        f"SELECT c.* FROM ({inner} LIMIT ? OFFSET ?) AS chosen CROSS JOIN card AS c ON c.id = chosen.id",
        (*values, limit, start),
    )
    return [dict(row) for row in rows]


def count(connection: sqlite3.Connection, query: TripletQuery) -> int:
    """How many entries the query finds."""
    inner, values = _places(connection, query, "1", ordered=False)
    return int(connection.execute(f"SELECT count(*) FROM ({inner})", values).fetchone()[0])


def place(connection: sqlite3.Connection, query: TripletQuery, ordinal: int) -> int:
    """How many entries of the query's result come before the entry of a triplet, which may itself be none of them."""
    entry = connection.execute(
        "SELECT *, id AS rowid FROM card WHERE run_id = ? AND ordinal = ?", (query.run_id, ordinal)
    ).fetchone()
    if entry is None:
        return 0
    turned = replace(query, falling=not query.falling)
    inner, values = _places(connection, turned, "1", ordered=False, after=[entry[key] for key in _keys(query)])
    return int(connection.execute(f"SELECT count(*) FROM ({inner})", values).fetchone()[0])


def _keys(query: TripletQuery) -> tuple[str, ...]:
    """The columns that a result is ordered by; no two entries have the same values in them."""
    return ("rowid",) if _in_text(query) else ("ordinal",) if query.sort == "plan" else (query.sort, "ordinal")


def _in_text(query: TripletQuery) -> bool:
    """Whether the full-text index answers: for what is not reviewed too, as no index has reasons in the plan's order."""
    return bool(query.search.strip()) or (query.reviewed == "no" and query.sort == "plan")


def _places(
    connection: sqlite3.Connection,
    query: TripletQuery,
    columns: str,
    ordered: bool = True,
    after: Sequence[object] = (),
) -> tuple[str, tuple[object, ...]]:
    """The query as SQL with its values; with only the entries that come `after` a key in the query's order."""
    keys, way = _keys(query), "DESC" if query.falling else "ASC"
    later = f" AND ({', '.join(keys)}) {'<' if query.falling else '>'} ({', '.join('?' * len(keys))})" if after else ""
    order = f" ORDER BY {', '.join(f'{key} {way}' for key in keys)}" if ordered else ""
    if _in_text(query):
        where = f"card_text MATCH ?{later}{order}"
        return f"SELECT {columns} FROM card_text WHERE {where}", (expression(query), *after)
    wanted = [(name, getattr(query, name)) for name in TAGGED if getattr(query, name)]
    where = " AND ".join(f"{name} = ?" for name, _ in wanted)
    if query.reviewed:
        where += f" AND reason {'' if query.reviewed == 'yes' else 'NOT'} IN ({', '.join('?' * len(BY_PERSONS))})"
    values = (*(value for _, value in wanted), *(BY_PERSONS if query.reviewed else ()), *after)
    return f"SELECT {columns} FROM card{_by_filter(connection, query)} WHERE {where}{later}{order}", values


def _by_filter(connection: sqlite3.Connection, query: TripletQuery) -> str:
    """The index of a filter that leaves few entries: sorting them is less than going through a whole run in the query's order."""
    if query.reviewed == "yes":  # a person decides on few
        return " INDEXED BY card_reason"
    for name in ("reason", "prompt", "state") if query.sort != "plan" else ():
        if value := getattr(query, name):
            found = f"SELECT 1 FROM card INDEXED BY card_{name} WHERE run_id = ? AND {name} = ? LIMIT {STRETCH}"
            (few,) = connection.execute(f"SELECT count(*) < {STRETCH} FROM ({found})", (query.run_id, value)).fetchone()
            if few:
                return f" INDEXED BY card_{name}"
    return ""


def reasons(connection: sqlite3.Connection, run_id: str) -> list[tuple[str, str, int]]:
    """(state, reason, entries) of a run, frequent first."""
    rows = connection.execute(
        "SELECT state, reason, count(*) FROM card INDEXED BY card_words WHERE run_id = ? "
        "GROUP BY state, reason ORDER BY 3 DESC, 1, 2",
        (run_id,),
    )
    return [tuple(row) for row in rows]


def prompts(connection: sqlite3.Connection, run_id: str) -> list[tuple[str, int]]:
    """(prompt of the positive, entries) of a run, by name."""
    rows = connection.execute(
        "SELECT prompt, count(*) FROM card WHERE run_id = ? GROUP BY prompt ORDER BY 1", (run_id,)
    )
    return [tuple(row) for row in rows]


class Mark(NamedTuple):
    """How far a run's entries are: the last decision, the application of filters and the last review that they show."""

    decision: int = 0
    filtering: int = 0
    review: int = 0


def mark(connection: sqlite3.Connection, run_id: str) -> Mark:
    """How far the run's entries are."""
    row = connection.execute("SELECT decision, filtering, review FROM card_mark WHERE run_id = ?", (run_id,)).fetchone()
    return Mark(*row) if row else Mark()


def set_mark(connection: sqlite3.Connection, run_id: str, mark: Mark) -> None:
    """Note how far the entries are; for use inside the transaction that brings them there."""
    connection.execute(
        "INSERT OR REPLACE INTO card_mark (run_id, decision, filtering, review) VALUES (?, ?, ?, ?)", (run_id, *mark)
    )


def put(connection: sqlite3.Connection, run_id: str, entries: Sequence[Sequence[object]]) -> None:
    """Add or change entries (values in the order of COLUMNS) and what is searched of them; inside a transaction."""
    places = json.dumps([entry[1] for entry in entries])
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
        entries,
    )
    connection.execute(
        f"INSERT INTO card_text (rowid, {searched}) SELECT id, {searched} {chosen} ORDER BY id", (run_id, places)
    )
