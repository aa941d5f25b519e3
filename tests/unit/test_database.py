"""The database file: migrations, versions, foreign and damaged files, two writers."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store import database


def test_a_new_file_is_migrated_and_in_wal_mode(tmp_path: Path) -> None:
    connection = database.connect(tmp_path / "new" / "w.db")
    assert connection.execute("PRAGMA user_version").fetchone()[0] == database.LATEST
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert {"run", "event", "metric", "score", "sentence", "request", "response", "parse", "decision"} <= names


@pytest.mark.parametrize("start", range(database.LATEST))
def test_every_older_version_is_brought_up(tmp_path: Path, start: int) -> None:
    path = tmp_path / "w.db"
    old = sqlite3.connect(path, isolation_level=None)
    if start:
        database.migrate(old, start)
    old.close()
    connection = database.connect(path)
    fresh = database.connect(tmp_path / "fresh.db")
    schema = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%migrations%' ORDER BY name"
    assert [tuple(r) for r in connection.execute(schema)] == [tuple(r) for r in fresh.execute(schema)]


def test_a_newer_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    connection = database.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(SyncseError) as caught:
        database.connect(path)
    assert caught.value.code == ExitCode.PREFLIGHT
    assert "newer" in caught.value.title
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    path.write_bytes(b"These are minutes of a meeting, not a database. " * 40)
    with pytest.raises(SyncseError, match="not a usable database"):
        database.connect(path)


def test_a_failing_write_leaves_nothing(tmp_path: Path) -> None:
    connection = database.connect(tmp_path / "w.db")
    with pytest.raises(ZeroDivisionError), database.writing(connection):
        connection.execute("INSERT INTO sentence (key, text, source) VALUES ('a', 'b', 'c')")
        _ = 1 / 0
    assert connection.execute("SELECT count(*) FROM sentence").fetchone()[0] == 0


def test_a_full_disk_says_so_and_keeps_what_was_there(tmp_path: Path) -> None:
    connection = database.connect(tmp_path / "w.db")
    with database.writing(connection):
        connection.execute("INSERT INTO sentence (key, text, source) VALUES ('kept', 'b', 'c')")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SyncseError, match="disk is full"), database.writing(connection):
        connection.execute("INSERT INTO sentence (key, text, source) VALUES ('big', ?, 'c')", ("x" * 1_000_000,))
    assert [row[0] for row in connection.execute("SELECT key FROM sentence")] == ["kept"]


WRITER = """
import sys
from pathlib import Path
from syncse_local.store import database
connection = database.connect(Path(sys.argv[1]))
for i in range(200):
    with database.writing(connection):
        n = connection.execute("SELECT count(*) FROM sentence").fetchone()[0]
        connection.execute("INSERT INTO sentence (key, text, source) VALUES (?, ?, 'w')", (f"{sys.argv[2]}-{i}", str(n)))
"""


def test_processes_that_open_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abcd"]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    counted = [int(row[0]) for row in database.connect(path).execute("SELECT text FROM sentence")]
    assert sorted(counted) == list(range(800))  # every read-then-write saw all the earlier ones
