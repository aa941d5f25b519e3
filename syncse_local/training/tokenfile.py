"""Triplets as token ids in a directory of .npy files, written in one pass and read by memory-mapping; nothing is pickled.

A directory is used again as long as texts, tokenizer and length are those it was made of. Knows no batches.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.errors import SyncseError

if TYPE_CHECKING:
    from syncse_local.encoders.transformer import Encoder

BLOCK = 4096  # rows tokenised at once
Texts = tuple[str, ...]


class Growing:
    """An .npy file of unknown length: numpy's header leaves room for the first axis to grow."""

    def __init__(self, path: Path, kind: str, columns: tuple[int, ...] = ()) -> None:
        self.file = path.open("wb")
        self.kind, self.columns, self.rows = np.dtype(kind), columns, 0
        self._header()

    def append(self, values: NDArray[Any]) -> None:
        """More rows at the end."""
        self.file.write(np.ascontiguousarray(values, self.kind).tobytes())
        self.rows += len(values)

    def close(self) -> None:
        """Write the length that it came to."""
        self.file.seek(0)
        self._header()
        self.file.close()

    def _header(self) -> None:
        about = {"descr": self.kind.str, "fortran_order": False, "shape": (self.rows, *self.columns)}
        np.lib.format.write_array_header_1_0(self.file, about)


def prepare(rows: Iterable[Texts], columns: int, encoder: "Encoder", max_length: int, folder: Path) -> int:
    """Write `rows` of so many texts to `folder` unless it has them already; how many there are.

    `tokens` has all ids end to end, `offsets` where each text begins, `keys` (rows, columns) a number for each text, the
    same for the same text. `rows` may be iterated twice. Raises SyncseError where there is no room.
    """
    about = _about(folder)
    if about and about.get("key") == _key(rows, encoder, max_length):
        return int(about["rows"])
    scratch = folder.with_name(f".{folder.name}.new")
    try:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        key, count = _write(rows, columns, encoder, max_length, scratch)
        (scratch / "about.json").write_text(json.dumps({"key": key, "rows": count}), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        detail = f"The token ids could not be written to {folder}: {error.strerror or error}."
        raise SyncseError("Cannot save", detail, "Free some space, then resume the run.") from error
    return count


def opened(folder: Path, name: str) -> NDArray[Any]:
    """One of the files that `prepare` wrote, memory-mapped."""
    found: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return found


def key_of(folder: Path) -> str:
    """A hash of the texts, the tokenizer and the length."""
    return str(_about(folder)["key"])


def _about(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        return found if {"key", "rows"} <= found.keys() else {}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(rows: Iterable[Texts], columns: int, encoder: "Encoder", max_length: int, folder: Path) -> tuple[str, int]:
    digest = _begun(encoder, max_length)
    with ExitStack() as files:
        tokens, offsets, keys = (
            Growing(folder / f"{name}.npy", kind, shape)
            for name, kind, shape in (("tokens", "<i4", ()), ("offsets", "<i8", ()), ("keys", "<u8", (columns,)))
        )
        for file in (tokens, offsets, keys):
            files.callback(file.close)
        offsets.append(np.zeros(1))
        for block in _blocks(rows):
            texts = list(chain.from_iterable(block))
            found = encoder.tokenize(texts, max_length)
            offsets.append(found.offsets[1:] + tokens.rows)
            tokens.append(found.flat)
            keys.append(np.array([_number(text) for text in texts], np.uint64).reshape(-1, columns))
            _add(digest, block)
        return digest.hexdigest(), keys.rows


def _blocks(rows: Iterable[Texts]) -> Iterator[list[Texts]]:
    left = iter(rows)
    while block := list(islice(left, BLOCK)):
        yield block


def _key(rows: Iterable[Texts], encoder: "Encoder", max_length: int) -> str:
    digest = _begun(encoder, max_length)
    for block in _blocks(rows):
        _add(digest, block)
    return str(digest.hexdigest())


def _begun(encoder: "Encoder", max_length: int) -> Any:
    """The hash so far: what decides which ids a text has."""
    backend = getattr(encoder.tokenizer, "backend_tokenizer", None)
    if backend is not None:  # the last call's settings are no part of it
        backend.no_truncation()
        backend.no_padding()
    names = backend.to_str() if backend is not None else repr(sorted(encoder.tokenizer.get_vocab().items()))
    about = [names, encoder.lower, encoder.prompt, min(max_length, encoder.max_length)]
    return hashlib.sha256(json.dumps(about).encode())


def _add(digest: Any, block: Iterable[Texts]) -> None:
    joined = "".join("\x1f".join((*texts, "\x1e")) for texts in block)
    digest.update(joined.encode("utf-8", "surrogatepass"))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
