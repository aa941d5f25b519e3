"""Finds models in the Hugging Face hub's cache: models--org--name/snapshots/REVISION, links into blobs. Opens no model."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from syncse_local.catalog.walk import models_below
from syncse_local.modelfiles.entry import Found
from syncse_local.modelfiles.reading import Unreadable, head

_FOLDER = "models--"


def models_in_hub(cache: Path, source: str) -> Iterator[Found]:
    """The models of every snapshot, named `org/name`; older revisions than `main` have `@REVISION` behind it."""
    for folder in _folders(cache):
        if not folder.name.startswith(_FOLDER):
            continue
        name = folder.name.removeprefix(_FOLDER).replace("--", "/")
        snapshots = _folders(folder / "snapshots")
        main = ""
        with suppress(Unreadable):
            main = head(folder / "refs" / "main", 100).strip()
        for snapshot in snapshots:
            current = snapshot.name == main or len(snapshots) == 1
            yield from models_below(snapshot, source, name if current else f"{name}@{snapshot.name[:8]}")


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if entry.is_dir())
    except OSError:
        return []
