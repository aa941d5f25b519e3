"""Merging what filters said: whole applications with their verdicts, and what instruments measured.

An application counts in the target only if it judged the texts that stand there and none was made there since.
"""

import sqlite3

from syncse_local.store.database import writing
from syncse_local.store.merging.tables import Merged, columns, listed

PAGE = 20_000
"""Rows in one transaction; verdicts and measurements are small."""


def merge_filters(connection: sqlite3.Connection, merged: Merged) -> None:
    """Take the finished applications of the source's runs, in the order they were made."""
    found = connection.execute(
        "SELECT f.*, new FROM source.filtering AS f JOIN run_map ON old = run_id WHERE state <> 'writing' ORDER BY id"
    ).fetchall()
    for row in found:
        number = _begin(connection, row)
        if number is not None:
            merged.add("verdict", _verdicts(connection, row["id"], number))
            merged.add("filtering", 1)
            _finish(connection, row, number)


def _begin(connection: sqlite3.Connection, row: sqlite3.Row) -> int | None:
    """The number of the application here, unfinished; None where it is there whole."""
    same = (row["new"], row["params_hash"], row["created"])
    names = columns(connection, "filtering", ("id", "run_id", "state"))
    marks = ", ".join("?" * len(names))
    with writing(connection):
        there = connection.execute(
            "SELECT id, state FROM main.filtering WHERE run_id = ? AND params_hash = ? AND created = ?", same
        ).fetchone()
        if there:
            return int(there["id"]) if there["state"] == "writing" else None
        cursor = connection.execute(
            f"INSERT INTO main.filtering (run_id, state, {listed(names)}) VALUES (?, 'writing', {marks})",
            (row["new"], *(row[name] for name in names)),
        )
    return int(cursor.lastrowid or 0)


def _verdicts(connection: sqlite3.Connection, old: int, new: int) -> int:
    names = listed(columns(connection, "verdict", ("filtering_id",)))
    after, taken = -1, 0
    while True:
        query = "SELECT max(ordinal) FROM (SELECT ordinal FROM source.verdict WHERE filtering_id = ? AND ordinal > ? LIMIT ?)"
        (until,) = connection.execute(query, (old, after, PAGE)).fetchone()
        if until is None:
            return taken
        with writing(connection):
            cursor = connection.execute(
                f"INSERT OR IGNORE INTO main.verdict (filtering_id, {names}) SELECT ?, {names} FROM source.verdict "
                "WHERE filtering_id = ? AND ordinal > ? AND ordinal <= ?",
                (new, old, after, until),
            )
        taken += cursor.rowcount
        after = until


def _finish(connection: sqlite3.Connection, row: sqlite3.Row, number: int) -> None:
    with writing(connection):
        later = connection.execute(
            "SELECT 1 FROM main.filtering WHERE run_id = ? AND state = 'done' AND created > ?",
            (row["new"], row["created"]),
        ).fetchone()
        counts = row["state"] == "done" and not later and not _differs(connection, row["new"])
        state = "done" if counts else "stale"
        connection.execute("UPDATE main.filtering SET state = ? WHERE id = ?", (state, number))


def _differs(connection: sqlite3.Connection, run_id: str) -> bool:
    """Whether a request of the run reads otherwise here than in the source."""
    found = connection.execute(
        """SELECT 1 FROM main.plan AS p JOIN main.request AS m ON m.id = p.request_id
           JOIN source.request AS s ON s.key = m.key
           JOIN main.latest_parse AS a ON a.request_id = m.id JOIN source.latest_parse AS b ON b.request_id = s.id
           WHERE p.run_id = ? AND (a.text IS NOT b.text OR a.failure IS NOT b.failure) LIMIT 1""",
        (run_id,),
    ).fetchone()
    return found is not None


def merge_measurements(connection: sqlite3.Connection, merged: Merged) -> None:
    """Take what instruments said of texts that they were not asked about here."""
    names = listed(columns(connection, "measurement"))
    for (instrument,) in connection.execute("SELECT DISTINCT instrument FROM source.measurement").fetchall():
        after = b""
        while True:
            query = "SELECT max(key) FROM (SELECT key FROM source.measurement WHERE instrument = ? AND key > ? LIMIT ?)"
            (until,) = connection.execute(query, (instrument, after, PAGE)).fetchone()
            if until is None:
                break
            with writing(connection):
                cursor = connection.execute(
                    f"INSERT OR IGNORE INTO main.measurement ({names}) SELECT {names} FROM source.measurement "
                    "WHERE instrument = ? AND key > ? AND key <= ?",
                    (instrument, after, until),
                )
            merged.add("measurement", cursor.rowcount)
            after = until


def merge_reviews(connection: sqlite3.Connection, merged: Merged) -> None:
    """Take the decisions of persons that are new, in the order in which they were made there."""
    names = listed(columns(connection, "review", ("id",)))
    with writing(connection):
        cursor = connection.execute(
            f"INSERT OR IGNORE INTO main.review ({names}) SELECT {names} FROM source.review ORDER BY created, id"
        )
    merged.add("review", cursor.rowcount)
