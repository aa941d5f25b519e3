"""Sentence vectors kept on disk between evaluations: one SQLite file, bounded, the least recently used go first.

A vector's key is its encoder's identity (hash of its files and settings) and its sentence's hash; no text is stored. The
file is a convenience: damaged, it is begun anew; where it cannot be used, `problem` says why and all is computed.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.store.database import use_wal

Floats = NDArray[np.float32]
Compute = Callable[[Sequence[str]], NDArray[Any]]

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS vector (encoder BLOB NOT NULL, sentence BLOB NOT NULL, used INTEGER NOT NULL, "
    "bytes INTEGER NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (encoder, sentence))",
    "CREATE INDEX IF NOT EXISTS vector_used ON vector (used, bytes)",
)
_ROW = 160  # bytes of a row beside its vector: keys, indices, its part of a page
_BATCH = 500  # rows a transaction
_BUSY_S = 10.0  # a transaction of another process takes milliseconds; after this the run goes on without the cache


def identity(encoder_sha256: str, settings: Mapping[str, Any]) -> bytes:
    """The key of an encoder: the hash of its files, and what else decides its vectors."""
    told = [encoder_sha256, *(f"{name}={settings[name]}" for name in sorted(settings))]
    return hashlib.sha256("\n".join(told).encode()).digest()[:16]


class VectorCache:
    """At most `limit` bytes in the file at `path`, its write-ahead log aside; several processes may use it at once."""

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.limit = limit
        self.problem = ""
        self.hits = 0
        """How many sentences of the last `encode` were here."""

    def encode(self, encoder: bytes, sentences: Sequence[str], compute: Compute) -> NDArray[Any]:
        """Vectors of distinct sentences; `compute` is called at most once, for those that are not here."""
        keys = [hashlib.sha256(s.encode("utf-8", "surrogatepass")).digest()[:16] for s in sentences]
        known = self._guarded(lambda: self._find(encoder, keys)) or {}
        absent = [place for place, key in enumerate(keys) if key not in known]
        self.hits = len(keys) - len(absent)
        if not absent and keys:
            return np.stack([known[key] for key in keys])
        fresh = np.asarray(compute([sentences[place] for place in absent]))
        if fresh.ndim != 2 or len(fresh) != len(absent) or any(v.shape != fresh.shape[1:] for v in known.values()):
            self.hits = 0
            return compute(sentences) if known else fresh  # the caller judges the shape
        self._guarded(lambda: self._keep(encoder, [keys[place] for place in absent], fresh))
        found = np.empty((len(keys), fresh.shape[1]), np.float32)
        found[absent] = fresh
        for place, key in enumerate(keys):
            if key in known:
                found[place] = known[key]
        return found

    def _find(self, encoder: bytes, keys: Sequence[bytes]) -> dict[bytes, Floats]:
        found: dict[bytes, Floats] = {}
        with self._open() as connection:
            for start in range(0, len(keys), _BATCH):
                part = keys[start : start + _BATCH]
                chosen = f"WHERE encoder = ? AND sentence IN ({','.join('?' * len(part))})"
                rows = connection.execute(f"SELECT sentence, vector FROM vector {chosen}", (encoder, *part)).fetchall()
                found |= {bytes(key): np.frombuffer(vector, "<f4") for key, vector in rows}
                if rows:
                    with _writing(connection):
                        now = time.time_ns()
                        connection.execute(f"UPDATE vector SET used = ? {chosen}", (now, encoder, *part))
        return {key: vector for key, vector in found.items() if np.isfinite(vector).all()}

    def _keep(self, encoder: bytes, keys: Sequence[bytes], vectors: NDArray[Any]) -> None:
        size = 4 * vectors.shape[1] + _ROW
        sound = np.flatnonzero(np.isfinite(vectors).all(axis=1))[: self.limit // size]
        with self._open() as connection:
            for start in range(0, len(sound), _BATCH):
                part, now = sound[start : start + _BATCH], time.time_ns()
                rows = [(encoder, keys[place], now, size, vectors[place].astype("<f4").tobytes()) for place in part]
                with _writing(connection):
                    _make_room(connection, self.limit - size * len(rows))
                    connection.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?, ?, ?, ?)", rows)

    def _guarded(self, action: Callable[[], Any]) -> Any:
        """The action's result; None where the file does not let it, which is no reason to fail an evaluation."""
        try:
            return action()
        except (sqlite3.Error, OSError, ValueError) as error:
            self.problem = f"{self.path}: {error}"
            if isinstance(error, (sqlite3.DatabaseError, ValueError)) and not isinstance(
                error, sqlite3.OperationalError
            ):
                for ending in ("", "-wal", "-shm"):
                    self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
            return None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=_BUSY_S, isolation_level=None)) as connection:
            use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            for statement in _SCHEMA:
                connection.execute(statement)
            yield connection


def _make_room(connection: sqlite3.Connection, allowed: int) -> None:
    """Drop the least recently used vectors until all together are at most `allowed` bytes."""
    surplus = int(connection.execute("SELECT coalesce(sum(bytes), 0) FROM vector").fetchone()[0]) - allowed
    if surplus <= 0:
        return
    going = []
    for row, size in connection.execute("SELECT rowid, bytes FROM vector ORDER BY used, rowid"):
        going.append((row,))
        surplus -= size
        if surplus <= 0:
            break
    connection.executemany("DELETE FROM vector WHERE rowid = ?", going)


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction that takes its lock at once, so that two writers queue."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
