"""Which kind of encoder a path is, and that encoder loaded. Imports only the library that the kind needs."""

from pathlib import Path

from syncse_local.encoders.base import SentenceEncoder, refused
from syncse_local.encoders.options import AS_IT_IS, EncoderOptions
from syncse_local.modelfiles.encoder_layout import first_kind

VECTOR_FILES = (".txt", ".vec", ".txt.gz", ".vec.gz")
WORD_MODULES = ("BoW", "WordEmbeddings")


def open_encoder(path: Path, options: EncoderOptions = AS_IT_IS) -> SentenceEncoder:
    """Load the encoder at `path`. Raises SyncseError (PREFLIGHT) for whatever is missing, unsafe or broken."""
    if path.name.endswith(".gguf"):
        from syncse_local.encoders.gguf import GgufEncoder

        return GgufEncoder(path, options)
    if path.name.endswith(VECTOR_FILES) and path.is_file():
        from syncse_local.encoders.word_vectors import WordVectors

        _has_no(options, "word vectors")
        return WordVectors(path)
    from syncse_local.encoders.static import StaticEncoder, static_layout

    if layout := static_layout(path):
        _has_no(options, "static embeddings")
        return StaticEncoder(layout)
    if first_kind(path) in WORD_MODULES:
        from syncse_local.encoders.words import WordEncoder

        _has_no(options, "word embeddings")
        return WordEncoder(path)
    from syncse_local.encoders.adapter import TransformerEncoder

    return TransformerEncoder(path, options)


def _has_no(options: EncoderOptions, what: str) -> None:
    if options.pooling or options.max_length:
        raise refused(f"{what.capitalize()} have no pooling or length to choose.", "Leave these options out.")
