"""What a folder or a file is, and what of it goes into a pack. Runs nothing, follows no link out of a workspace."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from syncse_local import __version__
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.packs import container, database
from syncse_local.packs.container import Listing
from syncse_local.packs.database import Texts

DATABASE = "syncse.db"
CODE = (".py", ".pyc", ".so", ".pkl", ".pickle", ".bin", ".pt", ".sh")
"""Endings of files that can run, or that some libraries run when they load them."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What would go into a pack. `rows` are a workspace's by table, `samples` some of the triplets that would leave."""

    listing: Listing
    files: Mapping[str, Path]
    rows: Mapping[str, int] = field(default_factory=dict)
    samples: tuple[Mapping[str, str], ...] = ()


def kind_of(place: Path) -> str:
    """`workspace`, `encoder` or `model`. Raises SyncseError (USAGE) for anything else."""
    if (place / DATABASE).is_file():
        return "workspace"
    if (place / "modules.json").is_file():
        return "encoder"
    if place.suffix == ".gguf" or (place / "config.json").is_file():
        return "model"
    detail = f"{place} is no workspace, no encoder and no model."
    hint = "Name a folder with syncse.db, modules.json or config.json in it, or a .gguf file."
    raise SyncseError("Nothing to pack", detail, hint, ExitCode.USAGE)


@contextmanager
def contents(place: Path, texts: Texts) -> Iterator[Contents]:
    """What of the place goes into a pack; a workspace's database is copied with as much text as may leave.

    Raises SyncseError: USAGE, PREFLIGHT.
    """
    kind = kind_of(place)
    about = {"made_by": f"syncse-local {__version__}", "texts": texts if kind == "workspace" else "none"}
    with TemporaryDirectory(prefix="syncse-pack-") as scratch:
        rows: Mapping[str, int] = {}
        samples: tuple[Mapping[str, str], ...] = ()
        if kind == "workspace":
            copied = Path(scratch) / DATABASE
            rows = database.write(place / DATABASE, copied, texts)
            samples = tuple(database.samples(copied))
            files = {DATABASE: copied, **_below(place, "models")}
        elif place.is_file():
            files = {path.name: path for path in _parts(place)}
        else:
            files = _below(place, "")
        name = place.resolve().stem if place.is_file() else place.resolve().name
        listing = Listing(kind, name.lstrip(".") or kind, container.describe(files), about)
        yield Contents(listing, files, rows, samples)


def _parts(place: Path) -> list[Path]:
    """A model's file, or all of them where it is in several, as `big-00001-of-00003.gguf`."""
    found = re.fullmatch(r"(.*)-\d{5}-of-(\d{5})\.gguf", place.name)
    if not found:
        return [place]
    total = int(found[2])
    parts = [place.with_name(f"{found[1]}-{number:05}-of-{found[2]}.gguf") for number in range(1, total + 1)]
    missing = [path.name for path in parts if not path.is_file()]
    if missing:
        hint = "Put all of them into one folder."
        raise SyncseError("A part of the model is missing", f"{missing[0]} is not there.", hint, ExitCode.PREFLIGHT)
    return parts


def _below(place: Path, folder: str) -> dict[str, Path]:
    """The files of a folder by their paths from `place`; hidden ones stay. In a workspace no link is followed."""
    found = {}
    for path in sorted((place / folder).rglob("*")):
        name = path.relative_to(place)
        if any(part.startswith(".") for part in name.parts) or not path.is_file():
            continue
        if folder and path.is_symlink():
            continue
        found[name.as_posix()] = path
    return found


def code(listing: Listing) -> list[str]:
    """The files that can run, or that some libraries run when they load them."""
    return [entry.path for entry in listing.files if Path(entry.path).suffix.lower() in CODE]
