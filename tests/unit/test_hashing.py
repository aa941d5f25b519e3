"""Model hashes: of a file, of shards, of a directory; computed once for each size and time."""

import hashlib
import os
import sqlite3
from pathlib import Path

import pytest

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.hashing import remembered, sha256_of
from syncse_local.store.database import connect
from tests.unit.model_files import CAUSAL, directory, gguf


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "w.db")


def test_a_file_is_hashed_once_for_its_size_and_time(tmp_path: Path, connection: sqlite3.Connection) -> None:
    path = gguf(tmp_path / "x.gguf")
    assert remembered(connection, path) == ""
    first = sha256_of(connection, path)
    assert first == hashlib.sha256(path.read_bytes()).hexdigest()
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    os.utime(path, ns=times)
    assert sha256_of(connection, path) == remembered(connection, path) == first  # nobody looked inside
    os.utime(path, ns=(times[0], times[1] + 1))
    assert remembered(connection, path) == ""
    assert sha256_of(connection, path) == hashlib.sha256(path.read_bytes()).hexdigest() != first


def test_every_file_of_a_model_counts(tmp_path: Path, connection: sqlite3.Connection) -> None:
    shards = [gguf(tmp_path / f"x-0000{i}-of-00002.gguf") for i in (1, 2)]
    folder = directory(tmp_path / "d", CAUSAL)
    for path, changed in ((shards[0], shards[1]), (folder, folder / "config.json")):
        before = sha256_of(connection, path)
        assert before == remembered(connection, path)
        changed.write_bytes(changed.read_bytes() + b" ")
        assert remembered(connection, path) == ""
        assert sha256_of(connection, path) != before


def test_what_is_not_there_has_none(tmp_path: Path, connection: sqlite3.Connection) -> None:
    with pytest.raises(SyncseError):
        sha256_of(connection, tmp_path / "none.gguf")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SyncseError):
        remembered(connection, tmp_path / "empty")
