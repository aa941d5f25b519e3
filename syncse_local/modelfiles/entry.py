"""What the catalog knows of one model, and what a search hands over before any file was opened. Plain records."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["llm", "encoder", "embedding", "vocabulary", "projector", "adapter", "other", "unknown"]
"""`encoder`: a directory that can be trained and measured here; `embedding`: gives vectors, but only in other tools."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Format = Literal["gguf", "safetensors"]
"""A GGUF file with its shards, or a directory with safetensors."""


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

    `kv_values`: numbers the KV cache keeps per token, keys and values over all layers. `state_values`: numbers that recurrent
    layers keep per sequence, however long. `inner`: the feed-forward width.
    """

    layers: int = 0
    hidden: int = 0
    heads: int = 0
    kv_values: int = 0
    vocabulary: int = 0
    inner: int = 0
    state_values: int = 0


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


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model file. `parameters` counts weights, `bytes` is the size on disk over all shards.

    `chat_template` is the Jinja source or None; `licence` and `sha256` are empty when not stated or not computed.
    """

    path: Path
    name: str
    architecture: str
    parameters: int
    quantisation: str
    context_length: int
    chat_template: str | None
    licence: str
    bytes: int
    sha256: str = ""
    dimensions: Dimensions = Dimensions()

    @classmethod
    def without_files(cls, model: Path, name: str, sha256: str, context: int) -> "ModelInfo":
        """For an engine that holds no model files: `sha256` is a hash of what makes its answers what they are."""
        return cls(Path(model), name, "", 0, "", context, None, "", 0, sha256)

    @property
    def profile(self) -> Literal["chat", "plain"]:
        """The prompt profile that `auto` chooses: `chat` where the model brings a template."""
        return "chat" if self.chat_template else "plain"
