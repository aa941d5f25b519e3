"""What a stage gets from the worker, and how it says that it stopped. The worker is `__main__`: classes it shares live here."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.jobs.progress import StoreReporter
from syncse_local.store import runs


@dataclass(frozen=True, slots=True)
class Job:
    """What a stage gets: its run, the store, the reporter, and a directory of its own."""

    run: runs.Run
    connection: sqlite3.Connection
    reporter: StoreReporter
    workspace: Path
    directory: Path


class Cancelled(Exception):
    """Raised by a stage that has saved its work after being asked to stop."""


class Incomplete(SyncseError):
    """Raised by a stage that has saved its work and lacks answers, with its `result`: the run can be gone on with."""

    result: dict[str, Any]
