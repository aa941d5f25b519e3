"""The SHA-256 of a model, whatever it is made of: one file, shards or a directory. Each file is hashed once and remembered."""

import hashlib
import os
import sqlite3
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.directory import combined, deciding_files
from syncse_local.modelfiles.gguf import shard_paths
from syncse_local.store.database import writing


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


def model_sha256(connection: sqlite3.Connection, path: Path) -> str:
    """The file's SHA-256 as hex digits. Raises SyncseError (PREFLIGHT) where it cannot be read."""
    path = path.resolve()
    try:
        stat = path.stat()
        path.open("rb").close()
    except OSError as error:
        raise SyncseError(
            "The model cannot be read",
            f"{path}: {error.strerror}.",
            "Check the path and the permissions.",
            ExitCode.PREFLIGHT,
        ) from error
    if known := _look_up(connection, path, stat):
        return known
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    with writing(connection):
        connection.execute(
            "INSERT OR REPLACE INTO model_hash VALUES (?, ?, ?, ?)",
            (str(path), stat.st_size, stat.st_mtime_ns, digest),
        )
    return digest


def weights_sha256(connection: sqlite3.Connection, model: Path) -> str:
    """The SHA-256 of an encoder's weights: the file's own, or of several safetensors, heads included, that of their paths and
    hashes; nothing where there are none. Configuration and pooling are no part of it."""
    if model.is_file():
        return model_sha256(connection, model)
    files = sorted(model.rglob("*.safetensors"))
    hashes = [model_sha256(connection, file) for file in files]
    if len(files) < 2:
        return "".join(hashes)
    lines = (f"{digest}  {file.relative_to(model)}\n" for digest, file in zip(hashes, files, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def known_sha256(connection: sqlite3.Connection, path: Path) -> str:
    """The file's SHA-256 if it has been computed for this very size and modification time, else nothing."""
    path = path.resolve()
    try:
        return _look_up(connection, path, path.stat())
    except OSError:
        return ""


def _look_up(connection: sqlite3.Connection, path: Path, stat: os.stat_result) -> str:
    known = connection.execute(
        "SELECT sha256 FROM model_hash WHERE path = ? AND size = ? AND mtime_ns = ?",
        (str(path), stat.st_size, stat.st_mtime_ns),
    ).fetchone()
    return str(known[0]) if known else ""
