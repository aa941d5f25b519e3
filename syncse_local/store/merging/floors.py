"""Merging noise floors: calibrations with their rows, numbered anew. They keep the machine that they were measured on."""

import json
import sqlite3

from syncse_local.store.database import writing
from syncse_local.store.merging.tables import Merged, columns, listed


def merge_calibrations(connection: sqlite3.Connection, merged: Merged) -> None:
    """Take the calibrations whose runs have none here; after `begin_runs`, which names the runs."""
    names = dict(connection.execute("SELECT old, new FROM run_map").fetchall())
    fields = columns(connection, "calibration", ("id", "runs"))
    floors = columns(connection, "noise_floor", ("calibration_id",))
    for row in connection.execute("SELECT * FROM source.calibration ORDER BY id").fetchall():
        runs = json.dumps([names.get(name, name) for name in json.loads(row["runs"])])
        with writing(connection):
            same = "SELECT 1 FROM main.calibration WHERE machine = ? AND runs = ?"
            if connection.execute(same, (row["machine"], runs)).fetchone():
                continue
            cursor = connection.execute(
                f"INSERT INTO main.calibration (runs, {listed(fields)}) VALUES (?, {', '.join('?' * len(fields))})",
                (runs, *(row[name] for name in fields)),
            )
            connection.execute(
                f"INSERT INTO main.noise_floor (calibration_id, {listed(floors)}) SELECT ?, {listed(floors)} "
                "FROM source.noise_floor WHERE calibration_id = ?",
                (cursor.lastrowid, row["id"]),
            )
        merged.add("calibration", 1)
