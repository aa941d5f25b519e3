"""The files of a model that was split: by their names, by links to them, or by the numbers that they hold.

llama.cpp names parts `name-00001-of-00003.gguf` and takes the first; people rename them, link to one, or name another.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.gguf_header import GgufHeader, read_header, refuse

_PART = re.compile(r"(?P<stem>.*)-(?P<index>\d{1,5})(?P<of>-of-)(?P<count>\d{1,5})(?P<end>\.gguf)", re.IGNORECASE)
_USUAL = 5
"""Digits of a part's number as llama.cpp writes it."""
MOST_SIBLINGS = 1_000
"""Files of a directory that may be looked into for a part of another name."""
_HOPS = 40
"""Links to follow one after the other, as Linux does."""


def shard_paths(path: Path) -> list[Path]:
    """All files of a split model by the names alone, or just `path`. They need not exist."""
    match = _PART.fullmatch(path.name)
    count = int(match["count"]) if match else 0
    if not match or not 1 <= int(match["index"]) <= count:
        return [path]
    stem, of, end, width = match["stem"], match["of"], match["end"], len(match["index"])
    return [path.with_name(f"{stem}-{index:0{width}d}{of}{match['count']}{end}") for index in range(1, count + 1)]


def first_shard(path: Path) -> Path:
    """The first file of the split model that `path` belongs to, by the names alone. It need not exist."""
    return shard_paths(path)[0]


def is_usual(name: str) -> bool:
    """Whether a file is named as llama.cpp names parts."""
    match = _PART.fullmatch(name)
    return match is not None and len(match["index"]) == _USUAL


def bare_name(path: Path) -> str:
    """The file's name without `.gguf` and without the numbers of a part."""
    match = _PART.fullmatch(path.name)
    return match["stem"] if match else path.stem


def parts_of(path: Path) -> list[Path]:
    """The files of the model that `path` is a part of, in order; just `path` where it is whole.

    Raises SyncseError (PREFLIGHT) that names the part which is not there.
    """
    for named in _names_of(path):
        parts = shard_paths(named)
        if len(parts) > 1 and all(map(os.path.exists, parts)):
            return parts
    header = read_header(path)
    count = header.number("split.count")
    if count < 2:
        return _complete(path, dict(enumerate(shard_paths(path)))) if is_usual(path.name) else [path]
    return _complete(path, _by_number(header, count))


def _complete(path: Path, parts: dict[int, Path]) -> list[Path]:
    """The parts in order. Raises SyncseError for the first that is not there."""
    for number, part in sorted(parts.items()):
        if not os.path.exists(part):
            raise refuse(
                "A part of the model is missing",
                f"{path.name} is of a model in {len(parts)} parts, and {part} is not there (part {number + 1}).",
                "Put all its parts into one directory, and name any of them.",
            )
    return [part for _, part in sorted(parts.items())]


def _by_number(header: GgufHeader, count: int) -> dict[int, Path]:
    """The parts by the number that each holds, from 0; under the usual name where none holds it."""
    wanted = {key: header.metadata.get(key) for key in ("split.count", "split.tensors.count")}
    stem = bare_name(header.path)
    found = {n: header.path.with_name(f"{stem}-{n + 1:05d}-of-{count:05d}.gguf") for n in range(count)}
    found[header.number("split.no")] = header.path
    for place in dict.fromkeys(named.parent for named in _names_of(header.path)):
        several = set[int]()
        for sibling in _siblings(place):
            number = sibling.number("split.no")
            if {key: sibling.metadata.get(key) for key in wanted} == wanted and number in found:
                if os.path.exists(found[number]) and not os.path.samefile(found[number], sibling.path):
                    several.add(number)
                found[number] = found[number] if os.path.exists(found[number]) else sibling.path
        if several:
            names = f"{place} has several files that may be part {min(several) + 1} of {header.path.name}"
            hint = f"Name the parts {stem}-00001-of-{count:05d}.gguf and so on, or put each model into a directory of its own."
            raise refuse("Which parts?", f"{names}.", hint)
    return found


def _siblings(place: Path) -> Iterator[GgufHeader]:
    """The headers of the GGUF files in a directory."""
    try:
        names = sorted(entry.name for entry in os.scandir(place) if entry.is_file())[:MOST_SIBLINGS]
    except OSError:
        return
    for name in names:
        if name.lower().endswith(".gguf"):
            try:
                yield read_header(place / name)
            except SyncseError:
                continue


def _names_of(path: Path) -> Iterator[Path]:
    """The path, where each of its links leads, and the names that a hub's snapshots have for a blob."""
    named = path
    for _ in range(_HOPS):
        yield named
        try:
            named = named.parent / os.readlink(named)
        except OSError:
            break
    if named.parent.name == "blobs":
        for snapshot in sorted(named.parent.parent.glob("snapshots/*")):
            for folder, _, names in os.walk(snapshot):
                links = (Path(folder, name) for name in sorted(names))
                yield from (link for link in links if os.path.exists(link) and os.path.samefile(link, named))
