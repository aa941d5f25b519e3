"""What a GGUF model is: language model, embedding model, vocabulary, projector or adapter; its sizes; what can run it."""

from pathlib import Path

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.entry import Found, Kind, ModelEntry
from syncse_local.modelfiles.gguf import NOT_GENERATORS, read_model
from syncse_local.modelfiles.gguf_header import GgufHeader, read_header
from syncse_local.modelfiles.gguf_parts import parts_of
from syncse_local.modelfiles.gguf_sizes import dimensions
from syncse_local.modelfiles.reading import Unreadable, card_licence, head, regular_size, size, text

_TYPES: dict[str, Kind] = {"adapter": "adapter", "mmproj": "projector", "vocab": "vocabulary"}
_PROJECTORS = ("clip", "mmproj")
_EMBEDDING = NOT_GENERATORS - {"clip", "wavtokenizer-dec"} | {
    *("nomic-bert-moe", "jina-bert-v3", "neo-bert", "eurobert", "gemma-embedding")
}


def describe_gguf(found: Found) -> ModelEntry:
    """The entry of a GGUF file with all its shards. Raises Unreadable or SyncseError for what is broken."""
    regular_size(found.path)
    files = tuple(parts_of(found.path))
    for path in files:
        regular_size(path)
    headers = [read_header(path) for path in files]
    first = headers[0]
    kind = _kind(headers)
    problem = _problem(found.path) if kind in ("llm", "other") else ""
    return ModelEntry(
        name=found.name,
        source=found.source,
        kind=kind,
        path=found.path,
        files=files,
        architecture=text(first.architecture),
        parameters=size(sum(tensor.weights for header in headers for tensor in header.tensors)),
        bytes=sum(header.file_size for header in headers),
        quantisation=next((q for header in headers if (q := header.quantisation) != "none"), "none"),
        context=size(first.number(f"{first.architecture}.context_length")),
        chat_template=bool(first.text("tokenizer.chat_template")),
        licence=_licence(first, found.path, files, found.licence),
        problem=problem,
        dimensions=dimensions(first.architecture, first.metadata),
    )


def _kind(headers: list[GgufHeader]) -> Kind:
    first = headers[0]
    stated, architecture = first.text("general.type"), first.architecture
    if stated in _TYPES:
        return _TYPES[stated]
    if architecture in _PROJECTORS:
        return "projector"
    if "adapter.type" in first.metadata:
        return "adapter"
    if architecture in _EMBEDDING or size(first.metadata.get(f"{architecture}.pooling_type")):
        return "embedding"
    if not first.text("tokenizer.ggml.model") or stated not in ("", "model") or architecture in NOT_GENERATORS:
        return "other"
    return "llm" if any(header.tensors for header in headers) else "vocabulary"


def _problem(path: Path) -> str:
    """Why the engine would refuse the file, in its own words; empty where it would not."""
    try:
        read_model(path)
    except SyncseError as error:
        return error.detail
    return ""


def _licence(header: GgufHeader, path: Path, files: tuple[Path, ...], beside: Path | None) -> str:
    stated = header.text("general.license")
    if stated in ("", "other"):
        stated = header.text("general.license.name") or stated
    if not stated and beside:
        try:
            stated = next((line.strip() for line in head(beside, 4096).splitlines() if line.strip()), "")
        except Unreadable:
            stated = ""
    alone = set(path.parent.glob("*.gguf")) <= set(files)  # a card beside several models may be another's
    carded = card_licence(path.parent) if alone else ""
    both = bool(carded and stated and carded.casefold() != stated.casefold())
    return text(f"{carded} (the file: {stated})" if both else carded or stated, 120)
