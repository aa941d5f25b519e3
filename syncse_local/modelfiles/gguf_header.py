"""One GGUF file's header, parsed and checked: metadata, tensors, and whether the file is whole.

Loads no weights and no engine: the native loader aborts the process on some malformed files, so these are caught here.
"""

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.foreign import foreign
from syncse_local.modelfiles.gguf_reader import Cursor, Malformed, TensorInfo, Value, read_metadata, read_tensors
from syncse_local.modelfiles.gguf_types import FILE_TYPES, MAGIC, TENSOR_TYPES, UINT32

COPY_AGAIN = "Download or copy the model again and compare its checksum with the publisher's."
_PIECE = re.compile(r"(?P<whole>.*\.gguf)[-.](split-[a-z]{1,2}|part-?\d+(-?of-?\d+)?|\d{2,3})", re.IGNORECASE)
"""A file that was cut for a store that takes no larger ones; the pieces are no GGUF files by themselves."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """A parsed header: format version, metadata, tensors, and where the tensor data starts (bytes)."""

    path: Path
    version: int
    metadata: dict[str, Value]
    tensors: tuple[TensorInfo, ...]
    data_start: int
    file_size: int

    def text(self, key: str) -> str:
        """A metadata string, or empty."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int:
        """A metadata integer, or 0."""
        value = self.metadata.get(key)
        return value if isinstance(value, int) else 0

    @property
    def architecture(self) -> str:
        """`general.architecture`, such as `llama`."""
        return self.text("general.architecture")

    @property
    def quantisation(self) -> str:
        """The stated file type, or else the tensor type that holds most bytes."""
        value = self.metadata.get("general.file_type")
        if isinstance(value, int) and value in FILE_TYPES:
            return FILE_TYPES[value]
        sizes: Counter[int] = Counter()
        for tensor in self.tensors:
            sizes[tensor.kind] += tensor.weights
        return TENSOR_TYPES.get(sizes.most_common(1)[0][0], ("unknown", 1, 0))[0] if sizes else "none"


def is_gguf(path: Path) -> bool:
    """Whether a file begins as a GGUF file does."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_header(path: Path) -> GgufHeader:
    """Parse and check one file's header. Raises SyncseError(PREFLIGHT) when it is missing, not GGUF or not whole."""
    if path.exists() and not path.is_file():
        raise refuse("Model file cannot be read", f"{path} is not a regular file.", "Give the path of a .gguf file.")
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _parse(path, Cursor(file, size), size)
    except Malformed as problem:
        raise refuse("Damaged GGUF file", f"{path} cannot be used: {problem}.", _again(path)) from problem
    except FileNotFoundError as problem:
        raise refuse(
            "Model file not found",
            f"There is no file at {path}.",
            "Check the path; `syncse models` lists what is found.",
        ) from problem
    except (OSError, ValueError) as problem:
        raise refuse(
            "Model file cannot be read", f"{path}: {problem}.", "Give the path of a readable .gguf file."
        ) from problem


def _parse(path: Path, cursor: Cursor, size: int) -> GgufHeader:
    if size < 4 or cursor.take(4) != MAGIC:
        if found := foreign(path):
            raise refuse("Not a GGUF file", f"{path} is {found[0]}.", found[1])
        raise refuse(
            "Not a GGUF file",
            f"{path} does not start with the GGUF signature ({size} bytes).",
            _joined(path)
            or "Give a model in GGUF format; other formats are converted with llama.cpp's convert_hf_to_gguf.py.",
        )
    version = cursor.count(UINT32)
    if version not in (2, 3):
        big = version in (2 << 24, 3 << 24)
        detail = "is big-endian" if big else f"has GGUF version {version}, and versions 2 and 3 are known"
        raise refuse("Unsupported GGUF file", f"{path} {detail}.", "Convert the model again with a current llama.cpp.")
    tensor_count, key_count = cursor.count(), cursor.count()
    metadata = read_metadata(cursor, key_count)
    tensors = read_tensors(cursor, tensor_count)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 8 <= alignment <= 1 << 20 or alignment & (alignment - 1):
        raise Malformed(f"its alignment is {alignment!r}")
    start = (cursor.position + alignment - 1) // alignment * alignment
    header = GgufHeader(path, version, metadata, tensors, start, size)
    _check_extent(header, alignment)
    return header


def _check_extent(header: GgufHeader, alignment: int) -> None:
    names: set[str] = set()
    for tensor in header.tensors:
        end = header.data_start + tensor.offset + tensor.nbytes
        if end > header.file_size:
            raise Malformed(
                f"tensor {tensor.name[:80]!r} needs {end} bytes and the file has {header.file_size}, it is cut short"
            )
        if tensor.offset % alignment:
            raise Malformed(f"tensor {tensor.name[:80]!r} is not aligned")
        if tensor.name in names:
            raise Malformed(f"tensor {tensor.name[:80]!r} occurs twice")
        names.add(tensor.name)


def _again(path: Path) -> str:
    return _joined(path) or COPY_AGAIN


def _joined(path: Path) -> str:
    """How to put a file together of which this is a piece; empty for any other."""
    match = _PIECE.fullmatch(path.name)
    if not match:
        return ""
    whole = match["whole"]
    return f"It is a piece of {whole}: join them all in order, cat {whole}?* > {whole}, and give that."


def refuse(title: str, detail: str, hint: str) -> SyncseError:
    """The error for a file that cannot be used."""
    return SyncseError(title, detail, hint, ExitCode.PREFLIGHT)
