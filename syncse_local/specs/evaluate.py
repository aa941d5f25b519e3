"""What an evaluation is told: the encoder, the tasks and where their files lie, how to encode."""

from dataclasses import dataclass
from typing import ClassVar

from syncse_local.specs.choices import DEVICES, POOLINGS
from syncse_local.specs.field import option, settled
from syncse_local.specs.spec import Spec

CACHE_MB = 1024
"""Vectors of the seven STS sets take 60 MB at width 768: room for the encoders of a study."""
LEAST_LENGTH = 3
"""The first token, one of the sentence, the end token."""


@dataclass(frozen=True, kw_only=True)
class EvaluateSpec(Spec):
    """A run of kind `eval`."""

    KIND: ClassVar[str] = "eval"
    TITLE: ClassVar[str] = "Bad option of an evaluation"

    encoder: str = option(
        "", "an encoder's directory, GGUF file, word vectors, or a name; empty: the starter encoder",
        positional=True, names="encoder", setting="encoder", required=True,
    )  # fmt: skip
    senteval: str = option(
        "", "SentEval's data directory (STS, transfer); also SemEval's archives or MTEB's STS",
        names="path", setting="senteval", metavar="DIR",
    )  # fmt: skip
    reranking: str = option(
        "", "directory with MTEB's reranking sets, or JSONL files like them",
        names="path", setting="reranking", metavar="DIR",
    )  # fmt: skip
    own: str = option(
        "", "directory with files of your own, for the tasks triplets:FILE, pairs:FILE and retrieval:FILE",
        names="path", metavar="DIR",
    )  # fmt: skip
    tasks: tuple[str, ...] = option(
        (), "tasks or families by name, or the name of a file in --reranking; none: what is there, without transfer",
        names="task", metavar="TASK",
    )  # fmt: skip
    device: str = option("auto", "where the encoder runs", choices=DEVICES, setting="device", changes_result=False)
    pooling: str | None = option(None, "instead of the encoder's own pooling", choices=POOLINGS)
    max_length: int | None = option(
        None, "longest input; none: the encoder's own", at_least=LEAST_LENGTH, unit="tokens"
    )
    no_cache: bool = option(
        False, "encode all sentences anew, keep none of the vectors", key=None, changes_result=False
    )
    cache_mb: int = option(CACHE_MB, "most that all kept vectors may take", at_least=0, unit="MB", changes_result=False)
    label: str = settled("", "what the encoder is called in tables; empty: its directory's name", changes_result=False)
