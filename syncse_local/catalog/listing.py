"""The whole catalog: every model found, described, with the hashes that are known. A broken model never hides another."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from syncse_local.catalog.places import found_models
from syncse_local.config import Settings
from syncse_local.errors import SyncseError
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import ModelEntry
from syncse_local.modelfiles.hashing import model_sha256, remembered


def list_models(
    settings: Settings, workspace: Path, connection: sqlite3.Connection | None = None, hashed: bool = False
) -> list[ModelEntry]:
    """Every model in the order of its places; with a `connection` also known hashes, or `hashed` all of them."""
    entries = [describe(found) for found in found_models(settings, workspace)]
    return [with_hash(entry, connection, hashed) for entry in entries] if connection else entries


def with_hash(entry: ModelEntry, connection: sqlite3.Connection, compute: bool) -> ModelEntry:
    """The entry with its hash, where it has one: what cannot be read has none."""
    if not entry.files:
        return entry
    try:
        return replace(entry, sha256=(model_sha256 if compute else remembered)(connection, entry.path))
    except SyncseError:
        return entry
