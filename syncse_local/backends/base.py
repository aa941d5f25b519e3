"""What every generation engine gives the rest of the program once it is loaded. Knows no engine, imports nothing heavy.

What is known of an engine before it is loaded stands in spec.py.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.records import Completion, Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ChatProfile = Literal["auto", "chat", "plain"]
"""How messages become a prompt: with the model's own chat template, as plain few-shot text, or whichever it brings."""


class Backend(Protocol):
    """One loaded model in one engine. Not thread-safe: one `generate` at a time.

    A backend class is constructed as `Class(model: Path, sha256="", **options)` and raises SyncseError(PREFLIGHT) when
    the model cannot be used, SyncseError(USAGE) for an option that it does not have.
    """

    name: str
    version: str
    info: ModelInfo

    def generate(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """Answer every row once, in the order rows finish.

        `contexts` is read lazily, a little ahead of the work. `cancelled` is asked between decode calls; once it is
        true the iterator ends and unfinished rows are not yielded, so they stay without a response and are generated
        by the next run. A row that can never be answered is yielded as `refused`, one that got no answer now as `error`:
        it is asked again another time. The others go on.
        """

    def settings(self) -> dict[str, object]:
        """What was chosen, for the run record: plain JSON values."""

    def close(self) -> None:
        """Free the engine; a second call does nothing."""


class EmbeddingModel(Protocol):
    """A loaded embedding model: sentences to vectors. Constructed as `Class(model: Path, gpu: bool, threads: int)`.

    `pooling`: what its file names, or empty. `longest`: tokens that it was trained for, 0 where its file does not say.
    `precision` and `engine`: what else decides its vectors, for the record.
    """

    pooling: str
    longest: int
    precision: str
    engine: str

    @property
    def width(self) -> int:
        """Numbers in a vector."""

    def tokens(self, sentence: str, longest: int) -> "NDArray[np.int32]":
        """At most `longest` tokens of a sentence, special tokens' texts in it taken as plain text."""

    def vectors(
        self, rows: Sequence["NDArray[np.int32]"], pooling: str
    ) -> Iterator[tuple[list[int], "NDArray[np.float32]"]]:
        """Places in `rows` and their vectors, (len(places), d), a batch at a time; rows without a token are left out."""

    def close(self) -> None:
        """Free the weights."""
