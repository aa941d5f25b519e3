"""Runs, their states, events, metrics and scores: the bus between a worker and both front ends.

States move by compare-and-set only: queued -> running -> done | incomplete | failed | cancelled | lost, and all but `done`
back to queued to resume. `incomplete` is a run that did its work but for requests which nobody answered.
"""

import json
import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store.database import writing
from syncse_local.text.clean import storable

OPEN = ("queued", "running")
RESUMABLE = ("incomplete", "failed", "cancelled", "lost")


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the run table, JSON columns decoded. Times are seconds since 1970."""

    id: str
    kind: str
    name: str
    state: str
    options: dict[str, Any]
    created: float
    queued: float
    started: float | None
    ended: float | None
    cancel: int
    progress: dict[str, Any]
    result: dict[str, Any]
    error: dict[str, Any] | None
    blocked: int


def _run(row: sqlite3.Row) -> Run:
    data = dict(row)
    for name in ("options", "progress", "result"):
        data[name] = json.loads(data[name])
    data["error"] = json.loads(data["error"]) if data["error"] else None
    return Run(**data)


def create(connection: sqlite3.Connection, kind: str, options: dict[str, Any], name: str = "") -> Run:
    """Insert a queued run and return it; its id begins with the kind's first letter."""
    run_id = f"{kind[0]}{time.strftime('%m%d')}-{secrets.token_hex(3)}"
    with writing(connection):
        connection.execute(
            "INSERT INTO run (id, kind, name, options, created, queued) VALUES (:id, :kind, :name, :options, :now, :now)",
            {"id": run_id, "kind": kind, "name": storable(name), "options": json.dumps(options), "now": time.time()},
        )
    return get(connection, run_id)


def get(connection: sqlite3.Connection, run_id: str) -> Run:
    """The run with this id or unambiguous beginning of one; SyncseError (USAGE) where there is none."""
    pattern = run_id.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    rows = connection.execute(
        "SELECT * FROM run WHERE id LIKE ? ESCAPE '\\' ORDER BY id LIMIT 3", (pattern,)
    ).fetchall()
    exact = [row for row in rows if row["id"] == run_id]
    if len(exact or rows) == 1:
        return _run((exact or rows)[0])
    problem = f"No run is called {run_id!r}." if not rows else f"Several runs begin with {run_id!r}."
    raise SyncseError("Unknown run", problem, "List them with `syncse runs`.", ExitCode.USAGE)


def recent(connection: sqlite3.Connection, limit: int = 100) -> list[Run]:
    """The newest runs first."""
    rows = connection.execute("SELECT * FROM run ORDER BY created DESC, id LIMIT ?", (limit,))
    return [_run(row) for row in rows]


def by_name(connection: sqlite3.Connection, name: str) -> Run | None:
    """The newest run with this name."""
    row = connection.execute("SELECT * FROM run WHERE name = ? ORDER BY created DESC LIMIT 1", (name,)).fetchone()
    return _run(row) if row else None


def evaluations_of(connection: sqlite3.Connection, encoder: str, since: float) -> list[Run]:
    """The finished eval runs of the encoder in this directory, made after a time, oldest first."""
    rows = connection.execute(
        "SELECT * FROM run WHERE kind = 'eval' AND state = 'done' AND json_extract(options, '$.encoder') = ? "
        "AND created >= ? ORDER BY created, id",
        (encoder, since),
    )
    return [_run(row) for row in rows]


def evaluation(connection: sqlite3.Connection, name: str) -> Run:
    """The newest finished eval run of this name, or the one of this id or the beginning of one.

    Raises SyncseError (USAGE) where there is none, it is of another kind, or it is not done.
    """
    query = "SELECT * FROM run WHERE name = ? AND kind = 'eval' AND state = 'done' ORDER BY created DESC LIMIT 1"
    row = connection.execute(query, (name,)).fetchone()
    run = _run(row) if row else get(connection, name)
    if run.kind != "eval":
        raise unusable(f"Run {run.id} is a {run.kind} run.", "Evaluate its encoder first: `syncse eval DIR`.")
    if run.state != "done":
        raise unusable(f"Run {run.id} is {run.state}.", f"Finish it first: syncse resume {run.id}")
    return run


def unusable(detail: str, hint: str) -> SyncseError:
    """The error for runs that a comparison or an export cannot take."""
    return SyncseError("These runs cannot be used", detail, hint, ExitCode.USAGE)


def training_of(connection: sqlite3.Connection, encoder: str, before: float) -> Run | None:
    """The finished train run that wrote the encoder in this directory, the last one made before a time."""
    row = connection.execute(
        "SELECT * FROM run WHERE kind = 'train' AND state = 'done' AND json_extract(options, '$.output') = ? "
        "AND created < ? ORDER BY created DESC, id LIMIT 1",
        (encoder, before),
    ).fetchone()
    return _run(row) if row else None


def move(connection: sqlite3.Connection, run_id: str, old: str | tuple[str, ...], new: str) -> bool:
    """Change the state if it is still one of `old`; returns whether it was."""
    states = (old,) if isinstance(old, str) else old
    stamp = {
        "running": ", started = :now, ended = NULL, error = NULL",
        "queued": ", queued = :now, cancel = 0, error = NULL",
    }
    with writing(connection):
        cursor = connection.execute(
            f"UPDATE run SET state = :new{stamp.get(new, ', ended = :now')} "
            "WHERE id = :id AND state IN (SELECT value FROM json_each(:old))",
            {"new": new, "now": time.time(), "id": run_id, "old": json.dumps(states)},
        )
        moved = cursor.rowcount == 1
        if moved:
            _event(connection, run_id, "state", {"state": new})
    return moved


def finish(
    connection: sqlite3.Connection, run_id: str, state: str, error: SyncseError | None = None, **result: Any
) -> bool:
    """Move a running run to its end state with its error or result; False if it was no longer running."""
    with writing(connection):
        cursor = connection.execute(
            "UPDATE run SET state = ?, ended = ?, error = ?, result = ? WHERE id = ? AND state = 'running'",
            (state, time.time(), json.dumps(error.as_dict()) if error else None, json.dumps(result), run_id),
        )
        if cursor.rowcount == 1:
            _event(connection, run_id, "state", {"state": state})
    return cursor.rowcount == 1


def request_cancel(connection: sqlite3.Connection, run_id: str) -> int:
    """Raise the cancel flag one step (1 flag, 2 SIGTERM, 3 SIGKILL) and return it."""
    with writing(connection):
        connection.execute("UPDATE run SET cancel = min(cancel + 1, 3) WHERE id = ?", (run_id,))
        row = connection.execute("SELECT cancel FROM run WHERE id = ?", (run_id,)).fetchone()
    return int(row[0])


def cancel_step(connection: sqlite3.Connection, run_id: str) -> int:
    """The cancel flag; 0 where nobody asked."""
    row = connection.execute("SELECT cancel FROM run WHERE id = ?", (run_id,)).fetchone()
    return int(row[0]) if row else 0


def set_progress(connection: sqlite3.Connection, run_id: str, progress: dict[str, Any], blocked: int = 0) -> None:
    """Replace the run's progress and the count of refused connections."""
    with writing(connection):
        connection.execute(
            "UPDATE run SET progress = ?, blocked = max(blocked, ?) WHERE id = ?",
            (json.dumps(progress), blocked, run_id),
        )


def add_event(connection: sqlite3.Connection, run_id: str, kind: str, data: dict[str, Any]) -> None:
    """Append one event."""
    with writing(connection):
        _event(connection, run_id, kind, data)


def _event(connection: sqlite3.Connection, run_id: str, kind: str, data: dict[str, Any]) -> None:
    connection.execute(
        "INSERT INTO event (run_id, time, kind, data) VALUES (?, ?, ?, ?)",
        (run_id, time.time(), kind, json.dumps(data, default=str)),
    )


def events(
    connection: sqlite3.Connection, run_id: str, after: int = 0, newest: int | None = None
) -> list[dict[str, Any]]:
    """Events of a run with an id above `after`, oldest first; of many only the `newest` ones."""
    rows = connection.execute(
        "SELECT * FROM event WHERE run_id = ? AND id > ? ORDER BY id DESC LIMIT ?",
        (run_id, after, -1 if newest is None else newest),
    ).fetchall()
    return [{**dict(row), "data": json.loads(row["data"])} for row in reversed(rows)]


def warnings(connection: sqlite3.Connection, run_id: str) -> list[str]:
    """The texts of a run's warnings, each once, in the order of time."""
    rows = connection.execute(
        """SELECT json_extract(data, '$.text') AS text FROM event WHERE run_id = ? AND kind = 'warning' AND text IS NOT NULL
           GROUP BY text ORDER BY min(id)""",
        (run_id,),
    )
    return [str(row[0]) for row in rows]


def add_metrics(connection: sqlite3.Connection, run_id: str, points: list[tuple[str, int, float]]) -> None:
    """Store curve points; a resumed step overwrites its own."""
    now = time.time()
    with writing(connection):
        connection.executemany(
            "INSERT OR REPLACE INTO metric VALUES (?, ?, ?, ?, ?)", [(run_id, n, s, v, now) for n, s, v in points]
        )


def metrics(connection: sqlite3.Connection, run_id: str, name: str) -> list[tuple[int, float]]:
    """(step, value) points of one curve in step order."""
    rows = connection.execute(
        "SELECT step, value FROM metric WHERE run_id = ? AND name = ? ORDER BY step", (run_id, name)
    )
    return [(row[0], row[1]) for row in rows]


def add_scores(connection: sqlite3.Connection, run_id: str, scores: list[dict[str, Any]]) -> None:
    """Store scores (model, task, metric, value or None, pairs, detail)."""
    rows = [
        (run_id, s["model"], s["task"], s["metric"], s["value"], s["pairs"], json.dumps(s.get("detail", {})))
        for s in scores
    ]
    with writing(connection):
        connection.executemany("INSERT OR REPLACE INTO score VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def scores(connection: sqlite3.Connection, run_id: str) -> list[dict[str, Any]]:
    """The scores of an evaluation run."""
    rows = connection.execute("SELECT * FROM score WHERE run_id = ? ORDER BY model, task, metric", (run_id,))
    return [{**dict(row), "detail": json.loads(row["detail"])} for row in rows]
