"""SHA-256 of model files, computed once and kept by path, size and modification time."""

import hashlib
import os
import sqlite3
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store.database import writing


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
