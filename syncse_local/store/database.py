"""Opens the workspace database: pragmas, migrations, write transactions, and SQLite's errors in a user's words.

Knows the file and its version; knows nothing of what the tables mean.
"""

import errno
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store import locks

MIGRATIONS = Path(__file__).parent / "migrations"
LATEST = len(list(MIGRATIONS.glob("[0-9]*.sql")))
BUSY_MS = 5_000
"""How long a writer waits for another. Transactions take tenths of a second, those of a plan some seconds."""
CACHE_KIB = 262_144
"""Most memory a connection keeps of the file, taken as it is needed: with SQLite's 2 MB a large plan reads all the time."""
CHECKPOINT_PAGES = 16_384
"""Pages of 4 KiB in the write-ahead log before they go into the file: keys are random, so the same pages come often."""


def connect(path: Path) -> sqlite3.Connection:
    """Open (or create) the database at `path`, migrated to the latest version, in WAL mode.

    Raises SyncseError (PREFLIGHT) when the file is no database, is newer than this program, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            locks.check(path.parent)
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
        connection.row_factory = sqlite3.Row
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > LATEST:
            raise SyncseError(
                "This workspace is from a newer syncse-local",
                f"{path} has schema {version}; this program knows up to {LATEST}.",
                "Update syncse-local, or open another workspace with --workspace DIR.",
                ExitCode.PREFLIGHT,
            )
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        if version < LATEST:
            migrate(connection)
    except (sqlite3.Error, OSError) as error:
        raise storage_error(error, path) from error
    return connection


def use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite does not wait here when another process opens the new file too, so this does."""
    deadline = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def migrate(connection: sqlite3.Connection, target: int = LATEST) -> None:
    """Apply the migrations up to number `target`; several processes may call this at once."""
    from sqlite_utils import Database, Migrations

    migrations = Migrations("syncse")
    for file in sorted(MIGRATIONS.glob("[0-9]*.sql"))[:target]:
        migrations(name=file.stem)(_apply(file))
    connection.execute("BEGIN IMMEDIATE")  # one migrating process at a time; the others find nothing pending
    try:
        if int(connection.execute("PRAGMA user_version").fetchone()[0]) < target:
            migrations.apply(Database(connection))
            connection.execute(f"PRAGMA user_version = {target}")
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # SQLite has rolled back by itself where the disk was full
        connection.execute("ROLLBACK")


class _apply:
    def __init__(self, file: Path) -> None:
        self.__name__ = file.stem
        self.statements = file.read_text(encoding="utf-8")

    def __call__(self, database: object, /) -> None:
        connection: sqlite3.Connection = database.conn  # type: ignore[attr-defined]
        for statement in split_statements(self.statements):
            connection.execute(statement)


def split_statements(script: str) -> Iterator[str]:
    """The script's statements; `executescript` would commit the transaction around them."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A write transaction that takes its lock at once, so that two writers queue instead of failing half-way."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            _roll_back(connection)
            raise
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise storage_error(error, Path(database_path(connection))) from error


@contextmanager
def trusted(connection: sqlite3.Connection) -> Iterator[None]:
    """Without the check of references, for transactions within it that take every number from the table it refers to."""
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def storable(text: str) -> str:
    """Text that SQLite can hold: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def database_path(connection: sqlite3.Connection) -> str:
    """The file behind a connection."""
    return str(connection.execute("PRAGMA database_list").fetchone()[2])


def storage_error(error: Exception, path: Path) -> SyncseError:
    """SQLite's and the file system's failures as title, sentence and next step."""
    # Only SQLite's own words are looked at: an OSError's text has the path in it, which may say anything.
    text = str(error).lower() if isinstance(error, sqlite3.Error) else ""
    number = error.errno if isinstance(error, OSError) else None
    if "disk is full" in text or number in (errno.ENOSPC, errno.EDQUOT):
        return SyncseError(
            "The disk is full",
            f"{path} could not be written: {error}.",
            "Free some space and resume the run; what was finished is kept.",
        )
    if number is not None or "readonly" in text or "unable to open" in text:
        return SyncseError(
            "The workspace cannot be written",
            f"{path}: {error}.",
            "Check the permissions, or choose another place with --workspace DIR.",
            ExitCode.PREFLIGHT,
        )
    if "not a database" in text or "malformed" in text or "encrypted" in text:
        return SyncseError(
            "The workspace file is not a usable database",
            f"{path}: {error}.",
            "Move the file away or restore a copy, then run the command again.",
            ExitCode.PREFLIGHT,
        )
    if "locked" in text or "busy" in text:
        if missing := locks.lacking(path.parent):  # SQLite takes a lock that cannot be had for one that is held
            return locks.none_here(path.parent, missing)
        return SyncseError(
            "The workspace is busy",
            f"Another process has held {path} for more than {BUSY_MS // 1000} seconds.",
            "Try again; `syncse runs` shows what is running.",
        )
    return SyncseError("The workspace could not be used", f"{path}: {error}.", "Run `syncse doctor`.")
