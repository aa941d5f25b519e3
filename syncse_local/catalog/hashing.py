"""The SHA-256 of a model, whatever it is made of: one file, shards or a directory. Each file is hashed once and remembered."""

import sqlite3
from pathlib import Path

from syncse_local.backends.gguf import shard_paths
from syncse_local.backends.model_dir import combined, deciding_files
from syncse_local.store.hashes import known_sha256, model_sha256


def sha256_of(connection: sqlite3.Connection, path: Path) -> str:
    """A file's own hash; of several files, the hash of their names and hashes. Raises SyncseError (PREFLIGHT)."""
    return _joined(path, [(file.name, model_sha256(connection, file)) for file in _files(path)])


def remembered(connection: sqlite3.Connection, path: Path) -> str:
    """The same where every file's hash is known already, else nothing. Raises SyncseError where there are no weights."""
    hashes = [(file.name, known_sha256(connection, file)) for file in _files(path)]
    return _joined(path, hashes) if all(digest for _, digest in hashes) else ""


def _files(path: Path) -> list[Path]:
    return deciding_files(path) if path.is_dir() else shard_paths(path)


def _joined(path: Path, hashes: list[tuple[str, str]]) -> str:
    return hashes[0][1] if len(hashes) == 1 and not path.is_dir() else combined(hashes)
