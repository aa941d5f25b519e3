"""Merging the ledger: sentences, then requests with their answers, parses, decisions and places in runs' plans.

A page of requests is one transaction, with all that hangs on them: a merge that is cut off leaves whole requests.
Parses and decisions are about an answer, so they are taken only where both files have the same one.
"""

import sqlite3
from collections.abc import Callable, Iterator

from syncse_local.store import filtering
from syncse_local.store.database import writing
from syncse_local.store.merging.tables import Merged, columns, listed

PAGE = 5_000
"""Requests in one transaction, each with its answer, parses, decisions and places."""
SHOWN = 5
"""Conflicts that are named; all are counted."""
Tell = Callable[[int, int], None]


def pages(connection: sqlite3.Connection, table: str, size: int) -> Iterator[tuple[int, int]]:
    """Ranges (after, until) of the source table's row numbers."""
    after = 0
    while True:
        query = f"SELECT max(id) FROM (SELECT id FROM source.{table} WHERE id > ? ORDER BY id LIMIT ?)"
        (until,) = connection.execute(query, (after, size)).fetchone()
        if until is None:
            return
        yield after, until
        after = until


def merge_sentences(connection: sqlite3.Connection, merged: Merged) -> None:
    """Take the sentences whose keys are new."""
    names = listed(columns(connection, "sentence", ("id",)))
    for span in pages(connection, "sentence", 4 * PAGE):
        with writing(connection):
            cursor = connection.execute(
                f"INSERT OR IGNORE INTO main.sentence ({names}) SELECT {names} FROM source.sentence "
                "WHERE id > ? AND id <= ? ORDER BY id",
                span,
            )
            merged.add("sentence", cursor.rowcount)


def merge_requests(connection: sqlite3.Connection, merged: Merged, tell: Tell) -> None:
    """Take the requests whose keys are new, and of every request what the target lacks. Needs `run_map`."""
    connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS page (old INTEGER PRIMARY KEY, new INTEGER, fresh INTEGER, same INTEGER, "
        "there INTEGER, here INTEGER)"
    )
    (total,) = connection.execute("SELECT count(*) FROM source.request").fetchone()
    done = 0
    for span in pages(connection, "request", PAGE):
        with writing(connection):
            done += _page(connection, span, merged)
        tell(done, total)
    connection.execute("DROP TABLE page")


def _page(connection: sqlite3.Connection, span: tuple[int, int], merged: Merged) -> int:
    names = listed(columns(connection, "request", ("id",)))
    (before,) = connection.execute("SELECT coalesce(max(id), 0) FROM main.request").fetchone()
    connection.execute(
        f"INSERT INTO main.request ({names}) SELECT {names} FROM source.request AS s WHERE id > ? AND id <= ? "
        "AND NOT EXISTS (SELECT 1 FROM main.request AS m WHERE m.key = s.key) ORDER BY id",
        span,
    )
    connection.execute("DELETE FROM page")
    cursor = connection.execute(
        """INSERT INTO page SELECT s.id, m.id, m.id > ?, coalesce(r.text = a.text AND r.finish = a.finish, 1),
             coalesce((SELECT max(version) FROM source.parse WHERE request_id = s.id), 0),
             coalesce((SELECT max(version) FROM main.parse WHERE request_id = m.id), 0)
           FROM source.request AS s JOIN main.request AS m ON m.key = s.key
           LEFT JOIN source.response AS r ON r.request_id = s.id LEFT JOIN main.response AS a ON a.request_id = m.id
           WHERE s.id > ? AND s.id <= ?""",
        (before, *span),
    )
    fresh, same = connection.execute("SELECT coalesce(sum(fresh), 0), coalesce(sum(same), 0) FROM page").fetchone()
    merged.add("request", fresh)
    merged.known += cursor.rowcount - fresh
    merged.conflicts += cursor.rowcount - same
    _note_conflicts(connection, merged)
    _responses(connection, merged)
    _faults(connection, merged)
    _decisions(connection, merged)
    _parses(connection, merged)
    _plan(connection, merged)
    return cursor.rowcount


def _note_conflicts(connection: sqlite3.Connection, merged: Merged) -> None:
    more = SHOWN - len(merged.conflicting)
    query = "SELECT key FROM main.request JOIN page ON new = id WHERE NOT same ORDER BY id LIMIT ?"
    merged.conflicting += [row[0] for row in connection.execute(query, (max(0, more),))]


def _responses(connection: sqlite3.Connection, merged: Merged) -> None:
    names = columns(connection, "response", ("request_id",))
    cursor = connection.execute(
        f"INSERT OR IGNORE INTO main.response (request_id, {listed(names)}) SELECT new, {listed(names, 'r')} "
        "FROM page JOIN source.response AS r ON r.request_id = old ORDER BY new"
    )
    merged.add("response", cursor.rowcount)


def _faults(connection: sqlite3.Connection, merged: Merged) -> None:
    """Why a request has no answer there, where it has none here either and nobody knows why."""
    names = columns(connection, "fault", ("request_id",))
    cursor = connection.execute(
        f"INSERT OR IGNORE INTO main.fault (request_id, {listed(names)}) SELECT new, {listed(names, 'f')} "
        "FROM page JOIN source.fault AS f ON f.request_id = old "
        "WHERE NOT EXISTS (SELECT 1 FROM main.response WHERE request_id = new) ORDER BY new"
    )
    merged.add("fault", cursor.rowcount)


def _parses(connection: sqlite3.Connection, merged: Merged) -> None:
    """Parses of versions that the target lacks; where a newer one reads otherwise, filters over the old text are set aside."""
    names = columns(connection, "parse", ("request_id",))
    cursor = connection.execute(
        f"INSERT OR IGNORE INTO main.parse (request_id, {listed(names)}) SELECT new, {listed(names, 'x')} "
        "FROM page JOIN source.parse AS x ON x.request_id = old WHERE same ORDER BY new"
    )
    merged.add("parse", cursor.rowcount)
    changed = connection.execute(
        """SELECT new FROM page WHERE same AND there > here AND here > 0 AND EXISTS (
             SELECT position, text, failure FROM main.parse WHERE request_id = new AND version = there
             EXCEPT SELECT position, text, failure FROM main.parse WHERE request_id = new AND version = here)"""
    )
    if numbers := [row[0] for row in changed]:
        filtering.outdate(connection, numbers)


def _decisions(connection: sqlite3.Connection, merged: Merged) -> None:
    """People's decisions, and the parser's where its parse is newer than the target's; the latest word stays the last.

    The last row of a request counts, so those of one that had some are written anew in order: the parser's, then others' by time.
    """
    names = columns(connection, "decision", ("id", "request_id"))
    alike = " AND ".join(f"m.{name} IS d.{name}" for name in names)
    new = connection.execute(
        f"""SELECT new, EXISTS (SELECT 1 FROM main.decision WHERE request_id = new), {listed(names, "d")}
            FROM page JOIN source.decision AS d ON d.request_id = old
            WHERE same AND (d.source <> 'parser' OR there > here
                            OR NOT EXISTS (SELECT 1 FROM main.decision WHERE request_id = new AND source = 'parser'))
              AND NOT EXISTS (SELECT 1 FROM main.decision AS m WHERE m.request_id = new AND {alike})
            ORDER BY new, d.id"""
    ).fetchall()
    marks = ", ".join("?" * (len(names) + 1))
    insert = f"INSERT INTO main.decision (request_id, {listed(names)}) VALUES ({marks})"
    connection.executemany(insert, [(row[0], *row[2:]) for row in new])
    merged.add("decision", len(new))
    for number in dict.fromkeys(row[0] for row in new if row[1]):
        rows = connection.execute(
            f"SELECT request_id, {listed(names)} FROM main.decision WHERE request_id = ? "
            "ORDER BY source <> 'parser', created, id",
            (number,),
        ).fetchall()
        connection.execute("DELETE FROM main.decision WHERE request_id = ?", (number,))
        connection.executemany(insert, map(tuple, rows))


def _plan(connection: sqlite3.Connection, merged: Merged) -> None:
    names = columns(connection, "plan", ("run_id", "request_id", "sentence_id"))
    cursor = connection.execute(
        f"INSERT OR IGNORE INTO main.plan (run_id, request_id, sentence_id, {listed(names)}) "
        f"SELECT r.new, page.new, m.id, {listed(names, 'p')} FROM page JOIN source.plan AS p ON p.request_id = page.old "
        "JOIN run_map AS r ON r.old = p.run_id LEFT JOIN source.sentence AS s ON s.id = p.sentence_id "
        "LEFT JOIN main.sentence AS m ON m.key = s.key"
    )
    merged.add("plan", cursor.rowcount)
