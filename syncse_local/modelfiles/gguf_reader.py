"""Reads values from a GGUF header with limits, so that a hostile file can neither exhaust memory nor time.

Knows the encoding (ggml-org/ggml, docs/gguf.md), not what the keys mean.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from syncse_local.modelfiles.gguf_types import ARRAY, SCALARS, STRING, TENSOR_TYPES, UINT32, UINT64

# Limits are far above what files have (50 keys, a vocabulary of 256,000, templates of 20 KB, 1,000 tensors) and keep a
# hostile header within seconds and some hundred MB.
CHUNK = 1 << 20  # bytes read at once: a header is read in a few calls
MAX_KEYS = 1 << 16
"""Keys of the metadata."""
MAX_KEY_BYTES = 1 << 16
"""The format's own limit: 2**16 - 1 bytes."""
MAX_STRING_BYTES = 1 << 26
"""One text, such as the chat template."""
MAX_KEPT_BYTES = 1 << 27
"""All texts together."""
MAX_STRING_ITEMS = 1 << 22
"""Texts in one array, which are passed over one by one."""
MAX_TENSORS = 1 << 18
"""Tensors of one file."""
KEPT_ITEMS = 64
"""Items of an array that are kept: flags and sizes by layer are, the vocabulary is not."""

Scalar = int | float | bool | str


@dataclass(frozen=True, slots=True)
class LongArray:
    """An array too long to keep, such as the vocabulary: its value type and its length."""

    kind: int
    length: int


Value = Scalar | tuple[Scalar, ...] | LongArray


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor: its dimensions, type number, and where its data starts relative to the data section (bytes)."""

    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int

    @property
    def weights(self) -> int:
        """Number of weights."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def nbytes(self) -> int:
        """Size of the data in bytes; 0 for a type this reader does not know."""
        _, block, size = TENSOR_TYPES.get(self.kind, ("", 1, 0))
        return self.weights // block * size


class Malformed(ValueError):
    """The header breaks the format; the message is one clause for the user."""


class Cursor:
    """Sequential reader over an open file of `size` bytes. Raises Malformed where the file ends too early."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._buffer = b""
        self._start = 0
        self._kept = 0
        self.position = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        if count > self._size - self.position:
            raise Malformed(f"it ends inside the header, at byte {self._size}")
        low = self.position - self._start
        if low < 0 or low + count > len(self._buffer):
            self._file.seek(self.position)
            self._buffer = self._file.read(max(CHUNK, count))
            self._start, low = self.position, 0
            if len(self._buffer) < count:
                raise Malformed("it became shorter while it was read")
        self.position += count
        return self._buffer[low : low + count]

    def skip(self, count: int) -> None:
        """Pass over `count` bytes."""
        if count > self._size - self.position:
            raise Malformed(f"it ends inside the header, at byte {self._size}")
        self.position += count

    def scalar(self, kind: int) -> int | float | bool:
        """One number of value type `kind`."""
        form = SCALARS.get(kind)
        if form is None:
            raise Malformed(f"it has a value of unknown type {kind}")
        value: int | float | bool = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def count(self, kind: int = UINT64) -> int:
        """One unsigned length or count."""
        return int(self.scalar(kind))

    def string(self, limit: int = MAX_STRING_BYTES) -> str:
        """One length-prefixed string; broken UTF-8 is replaced."""
        length = self.count()
        self._kept += length
        if length > limit or self._kept > MAX_KEPT_BYTES:
            raise Malformed(f"it has a text of {length} bytes in its header")
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: int) -> Value:
        """One metadata value; long arrays are passed over and only counted."""
        if kind == STRING:
            return self.string()
        return self._array() if kind == ARRAY else self.scalar(kind)

    def _array(self) -> Value:
        kind, length = self.count(UINT32), self.count()
        if kind == STRING:
            if length > MAX_STRING_ITEMS:
                raise Malformed(f"it has a list of {length} texts in its header")
            if length <= KEPT_ITEMS:
                return tuple(self.string() for _ in range(length))
            for _ in range(length):
                self.skip(self.count())
            return LongArray(kind, length)
        if kind not in SCALARS:
            raise Malformed(f"it has a list of unknown type {kind}")
        if length <= KEPT_ITEMS:
            return tuple(self.scalar(kind) for _ in range(length))
        self.skip(length * struct.calcsize(SCALARS[kind]))
        return LongArray(kind, length)


def read_metadata(cursor: Cursor, count: int) -> dict[str, Value]:
    """`count` key-value pairs. Raises Malformed for repeated keys and values beyond the limits."""
    if count > MAX_KEYS:
        raise Malformed(f"it claims {count} metadata keys")
    metadata: dict[str, Value] = {}
    for _ in range(count):
        key = cursor.string(MAX_KEY_BYTES)
        if key in metadata:
            raise Malformed(f"its key {key[:80]!r} occurs twice")
        metadata[key] = cursor.value(cursor.count(UINT32))
    return metadata


def read_tensors(cursor: Cursor, count: int) -> tuple[TensorInfo, ...]:
    """`count` tensor descriptions. Raises Malformed for impossible shapes."""
    if count > MAX_TENSORS:
        raise Malformed(f"it claims {count} tensors")
    return tuple(_tensor(cursor) for _ in range(count))


def _tensor(cursor: Cursor) -> TensorInfo:
    name = cursor.string(MAX_KEY_BYTES)
    dims = cursor.count(UINT32)
    if not 1 <= dims <= 4:
        raise Malformed(f"its tensor {name[:80]!r} has {dims} dimensions")
    shape = tuple(cursor.count() for _ in range(dims))
    info = TensorInfo(name, shape, cursor.count(UINT32), cursor.count())
    if not all(shape) or info.weights >= 1 << 62:
        raise Malformed(f"its tensor {name[:80]!r} has the impossible shape {shape}")
    block = TENSOR_TYPES.get(info.kind, ("", 1, 0))[1]
    if shape[0] % block:
        raise Malformed(f"its tensor {name[:80]!r} has rows of {shape[0]}, not a multiple of {block}")
    return info
