"""What a GGUF file says about itself, and whether it is whole. Used before the native loader and for discovery.

Loads no weights and no engine: the native loader aborts the process on some malformed files, so these are caught here.
"""

import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.modelfiles.gguf_reader import Cursor, Malformed, TensorInfo, Value, read_metadata, read_tensors
from syncse_local.modelfiles.gguf_sizes import dimensions
from syncse_local.modelfiles.gguf_types import FILE_TYPES, MAGIC, TENSOR_TYPES, UINT32

COPY_AGAIN = "Download or copy the model again and compare its checksum with the publisher's."
_SHARD = re.compile(r"^(?P<stem>.*)-(?P<index>\d{5})-of-(?P<count>\d{5})\.gguf$")
_RANGES = {
    "block_count": (1, 512),
    "embedding_length": (1, 1 << 20),
    "context_length": (1, 1 << 28),
    "attention.layer_norm_rms_epsilon": (0.0, 1.0),
    "attention.layer_norm_epsilon": (0.0, 1.0),
}
"""What no sound model is outside of: llama.cpp allocates by these numbers before it looks at them."""
NOT_GENERATORS = {"bert", "nomic-bert", "jina-bert-v2", "modern-bert", "clip", "t5encoder", "wavtokenizer-dec"}


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


def read_header(path: Path) -> GgufHeader:
    """Parse and check one file's header. Raises SyncseError(PREFLIGHT) when it is missing, not GGUF or not whole."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _parse(path, Cursor(file, size), size)
    except Malformed as problem:
        raise _refuse("Damaged GGUF file", f"{path} cannot be used: {problem}.", COPY_AGAIN) from problem
    except FileNotFoundError as problem:
        raise _refuse(
            "Model file not found",
            f"There is no file at {path}.",
            "Check the path; `syncse models` lists what is found.",
        ) from problem
    except (OSError, ValueError) as problem:
        raise _refuse(
            "Model file cannot be read", f"{path}: {problem}.", "Give the path of a readable .gguf file."
        ) from problem


def _parse(path: Path, cursor: Cursor, size: int) -> GgufHeader:
    if size < 4 or cursor.take(4) != MAGIC:
        raise _refuse(
            "Not a GGUF file",
            f"{path} does not start with the GGUF signature ({size} bytes).",
            "Give a model in GGUF format; other formats are converted with llama.cpp's convert_hf_to_gguf.py.",
        )
    version = cursor.count(UINT32)
    if version not in (2, 3):
        big = version in (2 << 24, 3 << 24)
        detail = "is big-endian" if big else f"has GGUF version {version}, and versions 2 and 3 are known"
        raise _refuse("Unsupported GGUF file", f"{path} {detail}.", "Convert the model again with a current llama.cpp.")
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


def shard_paths(path: Path) -> list[Path]:
    """All files of a split model (`name-00001-of-00003.gguf`), or just `path`. They need not exist."""
    match = _SHARD.match(path.name)
    if not match:
        return [path]
    total = int(match["count"])
    return [path.with_name(f"{match['stem']}-{index:05d}-of-{total:05d}.gguf") for index in range(1, total + 1)]


def first_shard(path: Path) -> Path:
    """The first file of the split model that `path` belongs to, or just `path`. It need not exist."""
    return shard_paths(path)[0]


def bare_name(path: Path) -> str:
    """The file's name without `.gguf` and without the numbers of a shard."""
    match = _SHARD.match(path.name)
    return match["stem"] if match else path.stem


def read_model(path: Path, generates: bool = True) -> list[GgufHeader]:
    """Headers of every shard of a text generation model; without `generates`, of any model of text.

    Raises SyncseError(PREFLIGHT) for damaged files and for files that hold no such model (vocabulary only, adapter,
    vision projector; encoder).
    """
    headers = [read_header(shard) for shard in shard_paths(path)]
    first = headers[0]
    kind = first.text("general.type")
    if kind not in ("", "model") or (generates and first.architecture in NOT_GENERATORS):
        what = kind if kind not in ("", "model") else first.architecture
        raise _refuse(
            "Not a text generation model", f"{path} holds a '{what}'.", "Give the GGUF of the language model."
        )
    if not any(header.tensors for header in headers):
        raise _refuse(
            "Vocabulary-only GGUF", f"{path} holds a tokenizer and no weights.", "Give the GGUF that holds the weights."
        )
    if not first.architecture or not first.text("tokenizer.ggml.model"):
        missing = "architecture" if not first.architecture else "tokenizer"
        raise _refuse("Incomplete GGUF file", f"{path} names no {missing}.", COPY_AGAIN)
    _check_plausible(first)
    return headers


def _check_plausible(header: GgufHeader) -> None:
    """Refuse sizes on which llama.cpp ends the process instead of returning an error."""
    for key, (least, most) in _RANGES.items():
        value = header.metadata.get(f"{header.architecture}.{key}")
        if isinstance(value, (int, float)) and not least <= value <= most:
            raise _refuse("Damaged GGUF file", f"{header.path} states {key} = {value}.", COPY_AGAIN)


def model_info(path: Path, sha256: str = "", generates: bool = True) -> ModelInfo:
    """What the catalog and the run record show of a model; see `read_model` for the errors."""
    headers = read_model(path, generates)
    first = headers[0]
    licence = first.text("general.license")
    if licence in ("", "other"):
        licence = first.text("general.license.name") or licence
    return ModelInfo(
        path=path,
        name=first.text("general.name") or path.stem,
        architecture=first.architecture,
        parameters=sum(tensor.weights for header in headers for tensor in header.tensors),
        quantisation=first.quantisation,
        context_length=first.number(f"{first.architecture}.context_length"),
        chat_template=first.text("tokenizer.chat_template") or None,
        licence=licence,
        bytes=sum(header.file_size for header in headers),
        sha256=sha256,
        dimensions=dimensions(first.architecture, first.metadata),
    )


def _refuse(title: str, detail: str, hint: str) -> SyncseError:
    return SyncseError(title, detail, hint, ExitCode.PREFLIGHT)
