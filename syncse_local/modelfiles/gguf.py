"""What a GGUF model says about itself over all its parts. Used before the native loader and for discovery."""

from pathlib import Path

from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.modelfiles.gguf_header import COPY_AGAIN, GgufHeader, read_header, refuse
from syncse_local.modelfiles.gguf_parts import parts_of
from syncse_local.modelfiles.gguf_sizes import dimensions

_RANGES = {
    "block_count": (1, 512),
    "embedding_length": (1, 1 << 20),
    "context_length": (1, 1 << 28),
    "attention.layer_norm_rms_epsilon": (0.0, 1.0),
    "attention.layer_norm_epsilon": (0.0, 1.0),
}
"""What no sound model is outside of: llama.cpp allocates by these numbers before it looks at them."""
NOT_GENERATORS = {"bert", "nomic-bert", "jina-bert-v2", "modern-bert", "clip", "t5encoder", "wavtokenizer-dec"}


def read_model(path: Path, generates: bool = True) -> list[GgufHeader]:
    """Headers of every shard of a text generation model; without `generates`, of any model of text.

    Raises SyncseError(PREFLIGHT) for damaged files and for files that hold no such model (vocabulary only, adapter,
    vision projector; encoder).
    """
    headers = [read_header(part) for part in parts_of(path)]
    first = headers[0]
    kind = first.text("general.type")
    if kind not in ("", "model") or (generates and first.architecture in NOT_GENERATORS):
        what = kind if kind not in ("", "model") else first.architecture
        raise refuse("Not a text generation model", f"{path} holds a '{what}'.", "Give the GGUF of the language model.")
    if not any(header.tensors for header in headers):
        raise refuse(
            "Vocabulary-only GGUF", f"{path} holds a tokenizer and no weights.", "Give the GGUF that holds the weights."
        )
    if not first.architecture or not first.text("tokenizer.ggml.model"):
        missing = "architecture" if not first.architecture else "tokenizer"
        raise refuse("Incomplete GGUF file", f"{path} names no {missing}.", COPY_AGAIN)
    _check_plausible(first)
    return headers


def _check_plausible(header: GgufHeader) -> None:
    """Refuse sizes on which llama.cpp ends the process instead of returning an error."""
    for key, (least, most) in _RANGES.items():
        value = header.metadata.get(f"{header.architecture}.{key}")
        if isinstance(value, (int, float)) and not least <= value <= most:
            raise refuse("Damaged GGUF file", f"{header.path} states {key} = {value}.", COPY_AGAIN)


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
