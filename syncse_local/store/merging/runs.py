"""Merging runs: their rows, events, curves and scores. A run is known by its id and the moment it was made.

A run comes in as lost, with a word on why, and takes its own state when everything of it is there: a merge that was cut
off never shows half a run as done.
"""

import hashlib
import json
import sqlite3
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.store.database import writing
from syncse_local.store.merging.tables import Merged, columns, listed, points
from syncse_local.store.runs import OPEN, RESUMABLE

NAMES_RUNS = ("run", "runs", "against")
"""Options whose values are run ids; those of a comparison's `arms` are renamed too."""

UNFINISHED = SyncseError("The merge was cut off", "Not all of this run was taken over.", "Run the same merge again.")
AT_WORK = SyncseError(
    "The run was at work when it was merged",
    "What it had by then was taken over.",
    "Merge again when it has ended there, or go on with it here: syncse resume.",
)
_MARKS = [json.dumps(error.as_dict()) for error in (UNFINISHED, AT_WORK)]


def begin_runs(connection: sqlite3.Connection, merged: Merged) -> None:
    """Give every run of the source its id here, in the temporary table `run_map`, and take those that are new."""
    connection.execute("DROP TABLE IF EXISTS temp.run_map")
    connection.execute("CREATE TEMP TABLE run_map (old TEXT PRIMARY KEY, new TEXT NOT NULL)")
    found = connection.execute("SELECT * FROM source.run ORDER BY created, id").fetchall()
    with writing(connection):
        known = {row["id"]: row["created"] for row in connection.execute("SELECT id, created FROM main.run")}
        names = {row["id"]: _name(row, known) for row in found}
        connection.executemany("INSERT INTO run_map VALUES (?, ?)", names.items())
        for row in found:
            if names[row["id"]] not in known:
                _take(connection, row, names)
                merged.add("run", 1)
    merged.runs = len(found)
    merged.renamed = {old: new for old, new in names.items() if old != new}


def _name(row: sqlite3.Row, known: dict[str, float]) -> str:
    """The id of a run of the source in the target: its own, unless another run has that."""
    if known.get(row["id"], row["created"]) == row["created"]:
        return str(row["id"])
    text = f"{row['id']}\x1f{row['created']!r}\x1f{row['options']}"
    return f"{row['id']}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def _take(connection: sqlite3.Connection, row: sqlite3.Row, names: dict[str, str]) -> None:
    changed: dict[str, Any] = {"id": names[row["id"]], "state": "lost", "error": _MARKS[0]}
    changed["options"] = _renamed(row["options"], names)
    fields = columns(connection, "run")
    marks = ", ".join("?" * len(fields))
    values = [changed.get(name, row[name]) for name in fields]
    connection.execute(f"INSERT INTO main.run ({listed(fields)}) VALUES ({marks})", values)


def _renamed(options: str, names: dict[str, str]) -> str:
    """The options with the ids that changed; the very text where none did."""
    data = json.loads(options)
    for key in NAMES_RUNS:
        if isinstance(value := data.get(key), list):
            data[key] = [names.get(name, name) for name in value]
        elif isinstance(value, str):
            data[key] = names.get(value, value)
    for arm in data.get("arms", []):
        arm["runs"] = [names.get(name, name) for name in arm["runs"]]
    return options if data == json.loads(options) else json.dumps(data)


def end_runs(connection: sqlite3.Connection, merged: Merged) -> None:
    """Give the runs their events, curves, scores and states: those of the source, unless the target has gone on since."""
    tables = points(connection)
    found = connection.execute("SELECT s.*, new FROM source.run AS s JOIN run_map ON old = id ORDER BY id").fetchall()
    for row in found:
        with writing(connection):
            merged.add("event", _events(connection, row["id"], row["new"]))
            for table in tables:
                merged.add(table, _points(connection, table, row["id"]))
            _settle(connection, row)
        if row["state"] in OPEN:
            merged.open.append(row["new"])


def _events(connection: sqlite3.Connection, old: str, new: str) -> int:
    names = columns(connection, "event", ("id", "run_id"))
    query = f"SELECT {listed(names)} FROM {{}}.event WHERE run_id = ? ORDER BY id"
    there = set(map(tuple, connection.execute(query.format("main"), (new,))))
    lacking = [row for row in map(tuple, connection.execute(query.format("source"), (old,))) if row not in there]
    marks = ", ".join("?" * (len(names) + 1))
    connection.executemany(
        f"INSERT INTO main.event (run_id, {listed(names)}) VALUES ({marks})", [(new, *row) for row in lacking]
    )
    return len(lacking)


def _points(connection: sqlite3.Connection, table: str, old: str) -> int:
    names = listed(columns(connection, table, ("run_id",)))
    cursor = connection.execute(
        f"INSERT OR IGNORE INTO main.{table} (run_id, {names}) SELECT new, {names} FROM source.{table} "
        "JOIN run_map ON old = run_id WHERE run_id = ?",
        (old,),
    )
    return cursor.rowcount


def _settle(connection: sqlite3.Connection, row: sqlite3.Row) -> None:
    """The source's word on how the run ended, where this file has no later one of its own."""
    here = connection.execute("SELECT state, error FROM main.run WHERE id = ?", (row["new"],)).fetchone()
    if here["state"] not in RESUMABLE or (row["state"] != "done" and here["error"] not in _MARKS):
        return
    values = {name: row[name] for name in ("state", "error", "result", "progress", "started", "ended", "blocked")}
    if row["state"] in OPEN:
        values |= {"state": "lost", "error": _MARKS[1]}
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    connection.execute(f"UPDATE main.run SET {assignments} WHERE id = :new", {**values, "new": row["new"]})
