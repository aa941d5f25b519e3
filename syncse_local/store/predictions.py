"""What eval runs predicted: columns of numbers, one an item, as little-endian bytes. Knows no task and no numpy."""

import sqlite3
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syncse_local.store.database import writing

DOUBLE, BYTE = "<f8", "|u1"
"""The types a column may have, in numpy's words: little-endian doubles; bytes, for classes and zero-or-one."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a task's predictions; `items_sha256` names the items and their order."""

    run_id: str
    task: str
    name: str
    type: str
    items: int
    items_sha256: str
    data: bytes


def pack(values: Sequence[float]) -> tuple[str, bytes]:
    """(type, bytes): doubles, or bytes where all values are whole numbers of 0 to 255."""
    if all(isinstance(value, int) and 0 <= value <= 255 for value in values):
        return BYTE, bytes(int(value) for value in values)
    doubles = array("d", values)
    if sys.byteorder == "big":
        doubles.byteswap()
    return DOUBLE, doubles.tobytes()


def unpack(type_: str, data: bytes) -> list[float]:
    """The inverse of `pack`."""
    if type_ == BYTE:
        return list(data)
    doubles = array("d", data)
    if sys.byteorder == "big":
        doubles.byteswap()
    return doubles.tolist()


def column(run_id: str, task: str, name: str, items_sha256: str, values: Sequence[float]) -> Column:
    """A column made of values."""
    type_, data = pack(values)
    return Column(run_id, task, name, type_, len(values), items_sha256, data)


def add(connection: sqlite3.Connection, columns: Iterable[Column]) -> None:
    """Store columns; those of a run that is done again replace its old ones."""
    rows = [(c.run_id, c.task, c.name, c.type, c.items, c.items_sha256, c.data) for c in columns]
    with writing(connection):
        connection.executemany("INSERT OR REPLACE INTO prediction VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def items(connection: sqlite3.Connection, run_id: str) -> dict[str, str]:
    """The hash of the items of each task that the run has predictions for."""
    rows = connection.execute(
        "SELECT task, max(items_sha256) FROM prediction WHERE run_id = ? GROUP BY task ORDER BY task", (run_id,)
    )
    return {row[0]: row[1] for row in rows}


def columns(connection: sqlite3.Connection, run_id: str, task: str) -> dict[str, Column]:
    """The run's columns for a task by name; empty where it has none."""
    rows = connection.execute("SELECT * FROM prediction WHERE run_id = ? AND task = ? ORDER BY name", (run_id, task))
    return {row["name"]: Column(**dict(row)) for row in rows}
