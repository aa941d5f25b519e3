"""What the evaluation wants of an encoder. Knows no kind of encoder."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.prompts import Prompts

if TYPE_CHECKING:
    from numpy.typing import NDArray

Stop = Callable[[int], bool]
"""Told how many sentences are encoded, says whether to stop."""


class SentenceEncoder(Protocol):
    """An encoder that has been loaded.

    `prompts` are its own; `similarity` is how its vectors are to be compared, in sentence-transformers' names.
    """

    prompts: Prompts
    similarity: str

    @property
    def settings(self) -> Mapping[str, Any]:
        """What, beside the files, decides its vectors: pooling, longest input in tokens, precision, engine."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader of its figures must know; may grow while it encodes."""

    def encode(self, sentences: Sequence[str], stop: Stop | None = None, prompt: str | None = None) -> "NDArray[Any]":
        """(len(sentences), d) float32; `prompt` stands before each in the default one's place.

        Raises SyncseError, with INTERRUPTED once `stop` says yes.
        """

    def close(self) -> None:
        """Free what it holds."""


def stop_if(stop: Stop | None, done: int) -> None:
    """Raise SyncseError (INTERRUPTED) when the run has been asked to stop."""
    if stop is not None and stop(done):
        raise SyncseError("Stopped", "Encoding was stopped.", "Start it again.", code=ExitCode.INTERRUPTED)


def refused(detail: str, hint: str) -> SyncseError:
    """The error for an encoder that cannot be used."""
    return SyncseError("Encoder cannot be used", detail, hint, code=ExitCode.PREFLIGHT)
