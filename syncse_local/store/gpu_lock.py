"""The rows that say which run uses each GPU. The lock that makes it true is in jobs/gpu_queue; these are for looking at."""

import sqlite3
import time
from collections.abc import Sequence
from typing import Any

from syncse_local.store.database import writing


def hold(connection: sqlite3.Connection, devices: Sequence[int], run_id: str, pid: int) -> None:
    """Write down that the run has these GPUs, also where a dead run's rows still say otherwise."""
    with writing(connection):
        connection.executemany(
            "INSERT OR REPLACE INTO gpu_lock (device, run_id, pid, since) VALUES (?, ?, ?, ?)",
            [(device, run_id, pid, time.time()) for device in devices],
        )


def release(connection: sqlite3.Connection, run_id: str) -> None:
    """Take the run's rows away; rows that another run has taken over stay."""
    with writing(connection):
        connection.execute("DELETE FROM gpu_lock WHERE run_id = ?", (run_id,))


def holders(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """The rows in device order. A row outlives a holder that was killed: ask the lock whether it is still true."""
    return [dict(row) for row in connection.execute("SELECT * FROM gpu_lock ORDER BY device")]
