"""Walks directories for models: GGUF files (shards as one) and directories with safetensors. Opens no file.

Survives link loops, unreadable directories and trees without end: depth and number of entries are bounded.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from syncse_local.modelfiles.entry import Found
from syncse_local.modelfiles.gguf_parts import bare_name, first_shard, is_usual

DEPTH = 6
"""Folders below a root. The caches of other tools put files three to five deep; a home directory has no end."""
ENTRIES = 50_000
"""Names read below one root. Chosen, not measured: a full cache has thousands; a tree of data sets must not hold up the list."""
_PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json")


def walk(root: Path, depth: int = DEPTH) -> Iterator[tuple[Path, list[str]]]:
    """(directory, names of its regular files), parents first and in name order; each directory once."""
    seen: set[tuple[int, int]] = set()
    budget = ENTRIES
    pending = [(root, 0)]
    while pending and budget > 0:
        folder, level = pending.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            files, folders, read = _listing(folder, budget)
        except OSError:
            continue
        budget -= read
        yield folder, files
        if level < depth:
            pending += [(folder / name, level + 1) for name in reversed(folders)]


def _listing(folder: Path, budget: int) -> tuple[list[str], list[str], int]:
    files, folders, read = [], [], 0
    with os.scandir(folder) as entries:
        for entry in entries:
            read += 1
            if read > budget:
                break
            try:
                if entry.is_file():
                    files.append(entry.name)
                elif entry.is_dir() and not entry.name.startswith("."):
                    folders.append(entry.name)
            except OSError:  # a link that leads round in a circle
                continue
    return sorted(files), sorted(folders), read


def models_below(root: Path, source: str, prefix: str = "") -> Iterator[Found]:
    """The models in a tree, named by their place in it; `prefix` stands for the root in names."""
    taken: set[Path] = set()
    for folder, files in walk(root):
        for path in dict.fromkeys(_first(folder, name, files) for name in files if name.lower().endswith(".gguf")):
            yield Found(_name(root, path, prefix), source, path)
        if is_model_directory(files) and not any(parent in taken for parent in folder.parents):
            taken.add(folder)
            yield Found(_name(root, folder, prefix), source, folder)


def _first(folder: Path, name: str, files: list[str]) -> Path:
    """The file that stands for a model: of parts the first, which is listed as missing where the name is llama.cpp's."""
    first = first_shard(folder / name)
    return first if first.name in files or is_usual(first.name) else folder / name


def is_model_directory(files: list[str]) -> bool:
    """Whether these names are a transformers or sentence-transformers directory's, or an adapter's."""
    weights = any(name.endswith(".safetensors") for name in files)
    if "adapter_config.json" in files or "modules.json" in files:
        return True
    return "config.json" in files and (weights or any(name in files for name in _PICKLED))


def _name(root: Path, path: Path, prefix: str) -> str:
    parts = list(path.relative_to(root).parts)
    if parts and path.suffix.lower() == ".gguf":
        parts[-1] = bare_name(path)
        if len(parts) > 1 and parts[-1] == parts[-2]:
            parts.pop()
    return "/".join([*([prefix] if prefix else []), *parts]) or root.name
