"""Noise floors that were measured on this machine, by calibration. Knows the tables; computes no interval."""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from syncse_local.store.database import writing

_ABOUT = ("machine", "encoder", "encoder_sha256", "data", "data_sha256")


def add(connection: sqlite3.Connection, about: Mapping[str, Any], floors: Sequence[Mapping[str, Any]]) -> int:
    """Store a calibration: `about` has machine, encoder, encoder_sha256, data, data_sha256, options, seeds, runs; each of
    `floors` task, metric, items_sha256 and values, one a seed. The same seeds on the same data replace their old entry."""
    listed = {name: json.dumps(about[name], sort_keys=True) for name in ("options", "seeds", "runs")}
    row = {**{name: about[name] for name in _ABOUT}, **listed, "now": time.time()}
    with writing(connection):
        old = connection.execute("SELECT id FROM calibration WHERE runs = :runs AND machine = :machine", row).fetchall()
        for (number,) in old:
            connection.execute("DELETE FROM noise_floor WHERE calibration_id = ?", (number,))
            connection.execute("DELETE FROM calibration WHERE id = ?", (number,))
        cursor = connection.execute(
            "INSERT INTO calibration (machine, encoder, encoder_sha256, data, data_sha256, options, seeds, runs, created) "
            "VALUES (:machine, :encoder, :encoder_sha256, :data, :data_sha256, :options, :seeds, :runs, :now)",
            row,
        )
        number = int(cursor.lastrowid or 0)
        for floor in floors:
            values = list(floor["values"])
            connection.execute(
                "INSERT INTO noise_floor VALUES (?, ?, ?, ?, ?, ?, ?)",
                (number, floor["task"], floor["metric"], floor["items_sha256"], json.dumps(values), fmean(values), stdev(values)),
            )  # fmt: skip
    return number


def listed(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every calibration, the newest first, with `floors` by task: metric, items_sha256, values, mean, sd."""
    found = []
    for row in connection.execute("SELECT * FROM calibration ORDER BY created DESC, id DESC").fetchall():
        data = dict(row)
        for name in ("options", "seeds", "runs"):
            data[name] = json.loads(data[name])
        rows = connection.execute("SELECT * FROM noise_floor WHERE calibration_id = ? ORDER BY task", (row["id"],))
        data["floors"] = {
            floor["task"]: {
                "metric": floor["metric"],
                "items_sha256": floor["items_sha256"],
                "values": json.loads(floor["seed_values"]),
                "mean": floor["mean"],
                "sd": floor["sd"],
            }
            for floor in rows
        }
        found.append(data)
    return found


def of_machine(
    connection: sqlite3.Connection, machines: Sequence[str], items: Mapping[str, str]
) -> dict[str, Any] | None:
    """The newest calibration of these machines that measured any of these tasks (name -> hash of its items), if any."""
    for found in listed(connection):
        measured = {task: floor["items_sha256"] for task, floor in found["floors"].items()}
        if found["machine"] in machines and measured.items() & items.items():
            return found
    return None
