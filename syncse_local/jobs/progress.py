"""The worker's side of the bus: progress at most ten times a second, events, curve points, and the cancel flag."""

import math
import sqlite3
import time
from typing import Any

from syncse_local import airgap
from syncse_local.store import runs

INTERVAL = 0.1
"""Seconds between two writes of progress, and between two looks at the cancel flag: ten frames a second are enough to see."""


class StoreReporter:
    """A Reporter that writes to the store; `stop` is set by the worker's signal handler."""

    def __init__(self, connection: sqlite3.Connection, run_id: str) -> None:
        self.connection, self.run_id = connection, run_id
        self.stop = False
        self._latest: dict[str, Any] = {}
        self._written = self._asked = 0.0
        self._points: list[tuple[str, int, float]] = []
        self._first: tuple[float, int] | None = None

    def progress(self, done: int, total: int, **data: object) -> None:
        """Keep the newest progress, with an ETA where the stage gives none; write it when the last write is old enough."""
        now = time.monotonic()
        if self._first is None or done < self._first[1]:
            self._first = (now, done)
        since, before = self._first
        eta = round((total - done) * (now - since) / (done - before), 1) if done > before else None
        self._latest = {"done": done, "total": total, "eta": eta, **data}
        if time.monotonic() - self._written >= INTERVAL:
            self.flush()

    def event(self, kind: str, **data: object) -> None:
        """Append one event at once."""
        runs.add_event(self.connection, self.run_id, kind, dict(data))

    def metric(self, name: str, step: int, value: float) -> None:
        """Keep a curve point for the next write; what is not a number is no point of a curve."""
        if math.isfinite(value):
            self._points.append((name, step, value))

    def cancelled(self) -> bool:
        """Whether the run was asked to stop; the store is asked at most ten times a second."""
        if not self.stop and time.monotonic() - self._asked >= INTERVAL:
            self._asked = time.monotonic()
            self.stop = runs.cancel_step(self.connection, self.run_id) > 0
        return self.stop

    def flush(self) -> None:
        """Write what is kept."""
        self._written = time.monotonic()
        if self._points:
            runs.add_metrics(self.connection, self.run_id, self._points)
            self._points = []
        if self._latest:
            runs.set_progress(self.connection, self.run_id, self._latest, len(airgap.refused()))
