"""What the catalog knows of one model, and what a search hands over before any file was opened. Plain records."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["llm", "encoder", "embedding", "vocabulary", "projector", "adapter", "other", "unknown"]
"""`encoder`: a directory that can be trained and measured here; `embedding`: gives vectors, but only in other tools."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Found:
    """A GGUF file (the first of its shards) or a model directory at `path`, not opened yet.

    `licence` is a file with the licence's text, where the cache keeps one apart from the model.
    """

    name: str
    source: str
    path: Path
    licence: Path | None = None


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Sizes that decide how much memory a model needs; 0 where the file does not say.

    `kv_values`: numbers the KV cache keeps per token, keys and values over all layers. `inner`: the feed-forward width.
    """

    layers: int = 0
    hidden: int = 0
    heads: int = 0
    kv_values: int = 0
    vocabulary: int = 0
    inner: int = 0


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model. `problem` says why it cannot be used (empty: nothing known against it); `bytes` counts all files.

    `backends` are the engines that can run it, or `train` for encoders. `sha256` is empty until somebody asks for it.
    """

    name: str
    source: str
    kind: Kind
    path: Path
    files: tuple[Path, ...] = ()
    architecture: str = ""
    parameters: int = 0
    bytes: int = 0
    quantisation: str = ""
    context: int = 0
    chat_template: bool = False
    licence: str = ""
    backends: tuple[str, ...] = ()
    problem: str = ""
    dimensions: Dimensions = Dimensions()
    sha256: str = ""
