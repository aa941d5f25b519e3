"""The two files of a merge: the target opened for writing, a source attached to it for reading only.

A source of an earlier schema is copied and the copy migrated: the file itself is never written. Knows no rows.
"""

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store.database import BUSY_MS, LATEST, connect

FILE = "syncse.db"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
"""What a run may be called: the name becomes a directory, so one with dots and slashes would lead out of the workspace."""


def open_target(path: Path) -> sqlite3.Connection:
    """The migrated database at `path`, able to attach others by URI. Raises SyncseError as `connect` does."""
    connect(path).close()
    connection = sqlite3.connect(path.resolve().as_uri(), uri=True, isolation_level=None, timeout=BUSY_MS / 1000)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def attached(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """The database at `path` as schema `source`, in today's form. Raises SyncseError (PREFLIGHT) where it is none."""
    if path.resolve() == Path(connection.execute("PRAGMA database_list").fetchone()[2]).resolve():
        detail = f"{path.parent} is the workspace to merge into."
        raise SyncseError("A workspace cannot be merged into itself", detail, "Name other sources.", ExitCode.USAGE)
    with _current(path) as uri:
        connection.execute("ATTACH ? AS source", (uri,))
        try:
            yield
        finally:
            connection.execute("DETACH source")


@contextmanager
def _current(path: Path) -> Iterator[str]:
    """The URI of the checked source, or of a migrated copy beside the system's temporary files."""
    uri = _read_only(path)
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_MS / 1000)) as reader:
            version = _version(reader, path)
            if version == LATEST:
                yield uri
                return
            with tempfile.TemporaryDirectory(prefix="syncse-merge-") as folder:
                copy = Path(folder) / FILE
                with closing(sqlite3.connect(copy)) as writer:
                    reader.backup(writer)
                connect(copy).close()
                yield copy.as_uri() + "?mode=ro"
    except sqlite3.Error as error:
        raise _unusable(path, str(error)) from error


def require(path: Path) -> None:
    """Raise SyncseError (PREFLIGHT) where there is no such file."""
    if not path.is_file():
        detail = f"{path.parent} has no {path.name}."
        raise SyncseError("No workspace there", detail, "Name workspace directories.", ExitCode.PREFLIGHT)


def _read_only(path: Path) -> str:
    require(path)
    log = path.with_name(f"{path.name}-wal")
    still = not os.access(path.parent, os.W_OK) and not (log.exists() and log.stat().st_size)
    # Readers of a WAL database write a file beside it; where they cannot, nobody else is writing either.
    return f"{path.resolve().as_uri()}?mode=ro" + ("&immutable=1" if still else "")


def _version(reader: sqlite3.Connection, path: Path) -> int:
    version = int(reader.execute("PRAGMA user_version").fetchone()[0])
    if version > LATEST:
        raise SyncseError(
            "A source is from a newer syncse-local",
            f"{path} has schema {version}; this program knows up to {LATEST}.",
            "Update syncse-local, then merge again.",
            ExitCode.PREFLIGHT,
        )
    tables = {row[0] for row in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not version or not {"run", "request", "response"} <= tables:
        raise _unusable(path, "it is no workspace's database")
    fault = str(reader.execute("PRAGMA quick_check(1)").fetchone()[0])
    if fault != "ok":
        raise _unusable(path, fault)
    if not all(_ID.fullmatch(str(row[0])) for row in reader.execute("SELECT id FROM run")):
        raise _unusable(path, "it has a run under a name that is no id")
    return version


def _unusable(path: Path, why: str) -> SyncseError:
    hint = "Restore a copy of it, or leave it out; what was merged before is kept."
    return SyncseError("A source cannot be read", f"{path}: {why}.", hint, ExitCode.PREFLIGHT)
