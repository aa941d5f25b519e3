"""Reads the headers of safetensors files: how many weights, of which type, and whether the file is whole."""

import math
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncse_local.modelfiles.reading import MOST, Unreadable, json_object, parse_object, regular_size

LARGEST_HEADER = 1 << 25
"""Bytes. The format's own readers stop at 100 MB; 1,000 tensors take some 100 KB."""
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
"""Bytes of a stored number, by the format's names."""
INDEX = "model.safetensors.index.json"


@dataclass(frozen=True, slots=True)
class Weights:
    """All weight files of a directory together: stored numbers by type, and bytes on disk."""

    files: tuple[Path, ...]
    counts: Counter[str]
    bytes: int

    @property
    def dtype(self) -> str:
        """The type that takes most room."""
        return max(self.counts, key=lambda kind: self.counts[kind] * BYTES.get(kind, 1), default="")


def read_weights(folder: Path) -> Weights:
    """The headers of a directory's weight files. Raises Unreadable where one is absent, cut short or malformed."""
    files = weight_files(folder)
    counts: Counter[str] = Counter()
    for path in files:
        counts.update(read_counts(path))
    return Weights(files, counts, sum(regular_size(path) for path in files))


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files that the index names, or the one weight file, or else all safetensors files there."""
    if (folder / INDEX).exists():
        named = json_object(folder / INDEX).get("weight_map")
        names = set(named.values()) if isinstance(named, dict) and _are_names(named.values()) else set()
        if not names:
            raise Unreadable(f"{INDEX} names no weight files")
        return tuple(folder / name for name in sorted(names))
    for usual in ("model.safetensors", "adapter_model.safetensors"):
        if (folder / usual).exists():
            return (folder / usual,)
    if found := tuple(sorted(folder.glob("*.safetensors"))):
        return found
    raise Unreadable("it has no weights as safetensors; pickled weights are never opened here")


def _are_names(values: Iterable[object]) -> bool:
    return all(isinstance(name, str) and "\0" not in name and Path(name).name == name for name in values)


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in one file. Raises Unreadable."""
    return {name: tuple(tensor["shape"]) for name, tensor in _header(path).items()}


def read_counts(path: Path) -> Counter[str]:
    """Numbers by type in one file. Raises Unreadable."""
    counts: Counter[str] = Counter()
    for tensor in _header(path).values():
        counts[tensor["dtype"]] += math.prod(tensor["shape"])
    return counts


def _header(path: Path) -> dict[str, Any]:
    """What the file says of each of its tensors, which it holds whole. Raises Unreadable."""
    whole = regular_size(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else whole
            if length + 8 > whole or length > LARGEST_HEADER:
                raise Unreadable(f"{path.name} is no safetensors file, or it is cut short ({whole} bytes)")
            header = parse_object(file.read(length), f"the header of {path.name}")
    except OSError as error:
        raise Unreadable(f"{path.name} cannot be read") from error
    tensors = {name: value for name, value in header.items() if name != "__metadata__"}
    if not all(map(_is_tensor, tensors.values())):
        raise Unreadable(f"{path.name} describes a tensor of impossible shape")
    end = max((tensor["data_offsets"][1] for tensor in tensors.values()), default=0)
    if 8 + length + end > whole:
        raise Unreadable(f"{path.name} is cut short: its tensors need {8 + length + end} bytes, it has {whole}")
    return tensors


def _is_tensor(value: object) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("dtype"), str):
        return False
    shape, ends = value.get("shape"), value.get("data_offsets")
    if not isinstance(shape, list) or not isinstance(ends, list) or len(ends) != 2 or len(shape) > 8:
        return False
    return all(type(n) is int and 0 <= n < MOST for n in (*shape, *ends)) and math.prod(shape) < MOST
