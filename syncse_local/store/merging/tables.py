"""Which tables a merge joins, their columns, and what it counts. A new table keyed by no run belongs in a list here."""

import sqlite3
from dataclasses import asdict, dataclass, field
from typing import Any

JOINED = (
    "sentence", "request", "response", "fault", "parse", "decision", "plan",
    "run", "event", "filtering", "verdict", "measurement", "review", "calibration", "noise_floor",
)  # fmt: skip
"""Tables that have a function of their own; those that are keyed by the run alone (`points`) need none."""
LEFT = {
    "model_hash": "paths and times of another machine's files",
    "gpu_lock": "who uses the GPUs of another machine now",
    "card": "made again from the ledger",
    "card_mark": "made again from the ledger",
}
"""Tables that stay behind, and why."""


@dataclass(slots=True)
class Merged:
    """What one source brought: rows that were new, by table.

    `known` requests were there already. `conflicts` are requests that both have an answer to, and not the same one: the
    target's stays, `conflicting` names some. `open` runs were at work while they were read. `renamed` runs had the id
    of another run of the target.
    """

    source: str
    new: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    known: int = 0
    conflicts: int = 0
    conflicting: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)

    def add(self, table: str, count: int) -> None:
        """Count new rows."""
        self.new[table] = self.new.get(table, 0) + count

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def columns(connection: sqlite3.Connection, table: str, without: tuple[str, ...] = ()) -> list[str]:
    """The table's columns but for those that are numbered anew; later migrations' columns come along."""
    return [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})") if row[1] not in without]


def points(connection: sqlite3.Connection) -> list[str]:
    """The tables whose rows belong to one run and are keyed by it: curves, scores and the like."""
    query = "SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY name"
    names = [row[0] for row in connection.execute(query) if row[0] not in (*JOINED, *LEFT)]
    return [name for name in names if {"id", "run_id"} & set(columns(connection, name)) == {"run_id"}]


def listed(names: list[str], of: str = "") -> str:
    """Column names for a statement, each of the table called `of`."""
    return ", ".join(f"{of}.{name}" if of else name for name in names)
