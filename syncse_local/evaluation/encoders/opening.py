"""Which kind of encoder a path is, and that encoder loaded. Imports only the library that the kind needs."""

from dataclasses import dataclass
from pathlib import Path

from syncse_local.evaluation.encoders.base import SentenceEncoder, refused

VECTOR_FILES = (".txt", ".vec", ".txt.gz", ".vec.gz")
POOLINGS = ("avg", "cls_before_pooler", "avg_top2", "avg_first_last", "last")
"""Poolings that may replace an encoder's own; not every kind has each."""


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """`pooling` empty: the encoder's own; `max_length` 0: its own; `threads` 0: as many as are free."""

    device: str = "auto"
    pooling: str = ""
    max_length: int = 0
    threads: int = 0


def open_encoder(path: Path, options: EncoderOptions = EncoderOptions()) -> SentenceEncoder:
    """Load the encoder at `path`. Raises SyncseError (PREFLIGHT) for whatever is missing, unsafe or broken."""
    if path.name.endswith(".gguf"):
        from syncse_local.evaluation.encoders.gguf import GgufEncoder

        return GgufEncoder(path, options)
    if path.name.endswith(VECTOR_FILES) and path.is_file():
        from syncse_local.evaluation.encoders.word_vectors import WordVectors

        _has_no(options, "word vectors")
        return WordVectors(path)
    from syncse_local.evaluation.encoders.static import StaticEncoder, static_layout

    if layout := static_layout(path):
        _has_no(options, "static embeddings")
        return StaticEncoder(layout)
    from syncse_local.evaluation.encoders.transformer import TransformerEncoder

    return TransformerEncoder(path, options)


def _has_no(options: EncoderOptions, what: str) -> None:
    if options.pooling or options.max_length:
        raise refused(f"{what.capitalize()} have no pooling or length to choose.", "Leave these options out.")
