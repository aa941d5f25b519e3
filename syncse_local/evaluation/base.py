"""What the parts of an evaluation pass to each other: a task's data, its sentences' vectors, its score. Knows no family."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.modelfiles.prompts import Prompts

if TYPE_CHECKING:  # reading task files needs no numpy
    from numpy.typing import NDArray

Pause = Callable[[], None]
"""Called between the steps of a long score; raises SyncseError when the run has been asked to stop."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A task that could not be read because its files are not there."""

    task: str
    looked_for: str


Key = str | tuple[str, str]
"""What a vector is of: a sentence, or a prompt that is not the model's default one, and a sentence."""
Names = tuple[str, ...]
"""What a text may be called, the first that the model has a prompt for counting; empty: no name, the default prompt."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Embeddings by sentence: the row of each in one (n, d) array.

    `prompts` are the model's; `similarity` is how it wants its vectors compared, in sentence-transformers' names.
    """

    index: Mapping[Key, int] | Mapping[str, int]
    embeddings: "NDArray[Any]"
    prompts: Prompts = field(default_factory=Prompts)
    similarity: str = "cosine"

    def rows(self, sentences: Sequence[str], names: Names = ()) -> list[int]:
        """The rows of sentences of these names; equal ones share one."""
        index: Mapping[Any, int] = self.index
        return [index[key(self.prompts, names, sentence)] for sentence in sentences]

    def of(self, sentences: Sequence[str], names: Names = ()) -> "NDArray[Any]":
        """(len(sentences), d) embeddings in the given order."""
        found: NDArray[Any] = self.embeddings[self.rows(sentences, names)]
        return found


def key(prompts: Prompts, names: Names, sentence: str) -> Key:
    """The key of a sentence that goes by these names."""
    prompt = prompts.text(*names)
    return sentence if prompt == prompts.text() else (prompt, sentence)


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task's figures by metric, the family's main one first; None where one is undefined, with the reason in `notes`.

    `items` counts what was scored (pairs, queries, sentences). `complete` is False when something of the published set
    is missing or surplus: the figure cannot then stand beside published ones. `predictions`, where kept, holds columns of
    one number an item, in the order read: by metric, and `gold` where the family has it; `items_sha256` names these
    items. `detail` is what else the family says, as JSON data.
    """

    task: str
    metrics: Mapping[str, float | None]
    items: int
    skipped: int = 0
    notes: tuple[str, ...] = ()
    complete: bool = True
    predictions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    items_sha256: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float | None:
        """The main metric's value."""
        return next(iter(self.metrics.values()))


@dataclass(slots=True, kw_only=True)
class TaskData(ABC):
    """A task as read; each family has its own.

    `skipped` counts rows that cannot be scored; `notes` says what a reader of the figures must know (counts that differ
    from the official ones, ignored columns, what is missing); `complete` as in `TaskScore`; `files` were read, and
    `provenance` is what was found out about them, as JSON data.
    """

    name: str
    skipped: int = 0
    notes: list[str] = field(default_factory=list)
    complete: bool = True
    files: list[Path] = field(default_factory=list)
    provenance: list[dict[str, Any]] = field(default_factory=list)

    @property
    @abstractmethod
    def items(self) -> int:
        """How many pairs, queries or sentences are scored."""

    @abstractmethod
    def sentences(self) -> Iterator[str]:
        """Every text that needs a vector, repeats included."""

    def texts(self) -> Iterator[tuple[Names, str]]:
        """The same with their names, in the same order; without, where a family knows none."""
        return (((), sentence) for sentence in self.sentences())

    @abstractmethod
    def identity(self) -> Iterator[object]:
        """Everything that decides a score but the encoder, in order, as JSON data: texts, gold, what a split is for."""

    def items_sha256(self) -> str:
        """The hash of the items in their order: figures of two encoders are paired only where it is the same."""
        digest = hashlib.sha256()
        for part in self.identity():
            digest.update(json.dumps(part, ensure_ascii=True).encode() + b"\n")
        return digest.hexdigest()

    @abstractmethod
    def score(self, vectors: Vectors, pause: Pause) -> TaskScore:
        """The figures, from the vectors of `sentences`; notes may grow."""

    def scored(self, metrics: Mapping[str, float | None], **more: Any) -> TaskScore:
        """The score of this task with these figures."""
        characters = sum(map(len, self.sentences()))
        detail = {"characters": characters, **more.pop("detail", {}), "files": self.provenance}
        more["items_sha256"] = self.items_sha256()
        notes = tuple(self.notes)
        return TaskScore(self.name, metrics, self.items, self.skipped, notes, self.complete, detail=detail, **more)
