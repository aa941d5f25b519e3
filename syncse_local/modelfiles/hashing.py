"""Which files a model is, and the one SHA-256 they make: the only place that says so. Knows no engine and no encoder.

- `model_sha256`: what decides what a language model writes. It stands in the keys of requests and in run records.
- `encoder_sha256`: every file that may decide a vector: weights, tokenizer, configuration, pooling, prompts, code.
- `weights_sha256`: an encoder's weights alone. Two encoders that share it differ at most in how they are read.

With a connection, each file is hashed once for its path, size and modification time, and remembered; without one, anew.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.directory import deciding_files
from syncse_local.modelfiles.gguf_parts import parts_of
from syncse_local.store.database import writing
from syncse_local.text.clean import storable

_NO_PART = (".md", ".lock")
"""Endings of files that no encoder reads: its card, and what a downloader leaves."""
RECORD = "syncse.json"
"""The record of its training that a trained encoder brings; no encoder reads it either."""


def model_sha256(connection: sqlite3.Connection | None, path: Path) -> str:
    """A file's own hash; of shards, whichever is named, or a directory, the hash of their names and hashes.

    Raises SyncseError (PREFLIGHT) where a file cannot be read or a directory has no weights.
    """
    return _joined(path, [(file.name, file_sha256(connection, file)) for file in _model_files(path)])


def remembered(connection: sqlite3.Connection, path: Path) -> str:
    """The same where every file's hash is known already, else nothing. Raises SyncseError where there are no weights."""
    hashes = [(file.name, _known(connection, file)) for file in _model_files(path)]
    return _joined(path, hashes) if all(digest for _, digest in hashes) else ""


def encoder_sha256(connection: sqlite3.Connection | None, path: Path) -> str:
    """Of a directory, the hash of its files' hashes and their paths in it, cards and hidden files left out; else the
    model's. Its own name is no part of it. Raises SyncseError (PREFLIGHT) where a file cannot be read."""
    if not path.is_dir():
        return model_sha256(connection, path)
    return _combined(
        (file.relative_to(path).as_posix(), file_sha256(connection, file)) for file in _encoder_files(path)
    )


def weights_sha256(connection: sqlite3.Connection | None, path: Path) -> str:
    """The hash of an encoder's weights: of a directory, its one safetensors file's, or of several, heads included, that of
    their paths and hashes; nothing where there are none. Configuration and pooling are no part of it."""
    if not path.is_dir():
        return model_sha256(connection, path)
    files = sorted(path.rglob("*.safetensors"))
    hashes = [(file.relative_to(path).as_posix(), file_sha256(connection, file)) for file in files]
    return _lines_sha256(hashes) if len(hashes) > 1 else "".join(digest for _, digest in hashes)


def file_sha256(connection: sqlite3.Connection | None, path: Path) -> str:
    """One file's SHA-256 as hex digits. Raises SyncseError (PREFLIGHT) where it cannot be read."""
    path = path.resolve()
    try:
        with path.open("rb") as handle:
            stat = os.fstat(handle.fileno())
            if connection is not None and (known := _look_up(connection, path, stat)):
                return known
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        detail = f"{path}: {error.strerror}."
        hint = "Check the path and the permissions."
        raise SyncseError("The model cannot be read", detail, hint, ExitCode.PREFLIGHT) from error
    if connection is not None:
        row = (storable(str(path)), stat.st_size, stat.st_mtime_ns, digest)
        with writing(connection):
            connection.execute("INSERT OR REPLACE INTO model_hash VALUES (?, ?, ?, ?)", row)
    return digest


def _model_files(path: Path) -> list[Path]:
    if path.is_dir():
        return deciding_files(path)
    return (
        parts_of(path) if path.suffix.lower() == ".gguf" else [path]
    )  # word vectors are one file, whatever their name


def _encoder_files(directory: Path) -> list[Path]:
    """Every file below that may be a part of the encoder; linked directories are looked into once."""
    found, seen = list[Path](), set[str]()
    for place, folders, names in os.walk(directory, followlinks=True):
        seen.add(os.path.realpath(place))
        folders[:] = [f for f in folders if f[0] != "." and os.path.realpath(os.path.join(place, f)) not in seen]
        found += [Path(place, name) for name in names if name[0] != "." and not name.endswith(_NO_PART)]
    return [file for file in found if file.is_file() and file != directory / RECORD]


def _joined(path: Path, hashes: list[tuple[str, str]]) -> str:
    return hashes[0][1] if len(hashes) == 1 and not path.is_dir() else _combined(hashes)


def _combined(hashes: Iterable[tuple[str, str]]) -> str:
    return _lines_sha256(sorted(hashes))


def _lines_sha256(hashes: Iterable[tuple[str, str]]) -> str:
    """The hash of the lines that `sha256sum` prints for these names and hashes."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in hashes)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _known(connection: sqlite3.Connection, path: Path) -> str:
    path = path.resolve()
    try:
        return _look_up(connection, path, path.stat())
    except OSError:
        return ""


def _look_up(connection: sqlite3.Connection, path: Path, stat: os.stat_result) -> str:
    known = connection.execute(
        "SELECT sha256 FROM model_hash WHERE path = ? AND size = ? AND mtime_ns = ?",
        (storable(str(path)), stat.st_size, stat.st_mtime_ns),
    ).fetchone()
    return str(known[0]) if known else ""
