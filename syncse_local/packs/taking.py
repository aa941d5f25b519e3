"""Unpacking: all is verified before anything is written, into a folder of its own that appears when it is whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.packs import container
from syncse_local.packs.container import Listing


@contextmanager
def opened(path: Path) -> Iterator[tuple[BinaryIO, Listing]]:
    """An open pack and its checked list. Raises SyncseError (PREFLIGHT) where it is none."""
    try:
        pack = path.open("rb")
    except OSError as error:
        detail = f"{path}: {error.strerror}."
        raise SyncseError("No pack there", detail, "Name a .syncse file.", ExitCode.PREFLIGHT) from None
    with pack:
        yield pack, container.read_listing(pack)


def verified(pack: BinaryIO, listing: Listing) -> int:
    """Read every byte and compare; returns how many files there are. Raises SyncseError (PREFLIGHT)."""
    return sum(1 for _ in container.verify(pack, listing))


def unpack(pack: BinaryIO, listing: Listing, target: Path) -> int:
    """Write a verified pack to `target`, which must not be there. Called again after an interruption it goes on.

    Returns how many bytes an earlier call had written. Raises SyncseError (USAGE) where something is there.
    """
    if os.path.lexists(target):
        hint = "Name a new folder with --output."
        raise SyncseError("Would overwrite", f"{target} is there already.", hint, ExitCode.USAGE)
    unfinished = target.with_name(f".{target.name}.{listing.identity[:16]}.unpacking")
    if unfinished.is_symlink():
        raise SyncseError("Would follow a link", f"{unfinished} is one.", "Remove it.", ExitCode.PREFLIGHT)
    unfinished.mkdir(parents=True, exist_ok=True, mode=0o700)
    there = container.extract(pack, listing, unfinished)
    unfinished.rename(target)
    return there
