"""The contamination gate: texts that an evaluation set has too, whole or in eight words in a row. Training leaves them out.

Knows the sets' sentences; knows no model. What a set does not hold word for word passes here: the filter `contamination`
measures paraphrases with an encoder.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from syncse_local.errors import SyncseError
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.tasks import ROW_FILES, TASKS
from syncse_local.paths import starter_sts
from syncse_local.text.clean import squash, words

GRAM = 8
"""Words in a row that two texts share by copying, hardly by chance; long n-grams are the usual sign of contamination."""


class NamesSets(Protocol):
    """A spec, or the settings: directories of evaluation sets by name, empty where there are none."""

    @property
    def senteval(self) -> str:
        """SentEval's data directory."""

    @property
    def reranking(self) -> str:
        """The reranking sets' directory."""


class Match(NamedTuple):
    """Where a text was found: `exact` or `8-gram`, in which task."""

    kind: str
    task: str


@dataclass(slots=True)
class Gate:
    """The evaluation sentences to hold texts against.

    `checked` names the tasks they come from; `unread` the tasks whose files are there and faulty, with the reason.
    """

    checked: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    _exact: dict[str, str] = field(default_factory=dict)
    _grams: dict[int, str] = field(default_factory=dict)

    @classmethod
    def load(cls, senteval: Path | None = None, reranking: Path | None = None) -> "Gate":
        """The starter sets, and every set whose files are there: SentEval's STS and transfer sets, reranking sets."""
        gate = cls()
        for name, sentences in evaluation_texts(gate.unread, senteval, reranking):
            gate.checked.append(name)
            gate.add(name, sentences)
        return gate

    @classmethod
    def of(cls, named: NamesSets) -> "Gate":
        """The gate for the directories that a run's spec or the settings name."""
        return cls.load(*directories(named))

    def add(self, task: str, sentences: Iterable[str]) -> None:
        """Take sentences of a task into the gate."""
        for sentence in sentences:
            if key := squash(sentence):
                self._exact.setdefault(key, task)
            for gram in _grams(sentence):
                self._grams.setdefault(gram, task)

    @property
    def digest(self) -> str:
        """16 hex digits that name the sentences the gate knows."""
        return digest_of(self._exact)

    def match(self, text: str) -> Match | None:
        """Where the text is from, if any of the sets has it."""
        if task := self._exact.get(squash(text)):
            return Match("exact", task)
        return next((Match(f"{GRAM}-gram", self._grams[gram]) for gram in _grams(text) if gram in self._grams), None)

    def first_match(self, texts: Iterable[str]) -> Match | None:
        """The first match of several texts."""
        return next((found for text in texts if (found := self.match(text))), None)


def digest_of(keys: Iterable[str]) -> str:
    """16 hex digits that name squashed sentences, in whatever order they come."""
    found = hashlib.blake2b(digest_size=8)
    for key in sorted(keys):
        found.update(f"{key}\x1f".encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def evaluation_texts(
    unread: dict[str, str], senteval: Path | None, reranking: Path | None
) -> Iterator[tuple[str, Iterator[str]]]:
    """Every task whose files are there with its texts, training splits included; `unread` takes the faulty ones."""
    files = reranking.iterdir() if reranking and reranking.is_dir() else ()
    own = sorted(path.name for path in files if path.name.endswith(ROW_FILES))
    for name in (*TASKS, *own):
        try:
            found, _ = read_tasks([name], senteval, starter_sts(), reranking)
        except SyncseError as error:
            unread[name] = error.detail
        except ModuleNotFoundError as error:
            unread[name] = f"reading it needs {error.name}"
        else:
            yield from ((name, task.sentences()) for task in found)


def directories(named: NamesSets) -> tuple[Path | None, Path | None]:
    """SentEval's directory and the reranking sets', where they are named."""
    senteval, reranking = named.senteval, named.reranking
    return Path(senteval) if senteval else None, Path(reranking) if reranking else None


def _grams(text: str) -> Iterator[int]:
    """Each eight words in a row, as a number: millions of strings would fill the memory."""
    tokens = words(text)
    return (hash(" ".join(tokens[i : i + GRAM])) for i in range(len(tokens) - GRAM + 1))


def contaminated(triplets: Iterable[Mapping[str, str]], named: NamesSets) -> int:
    """How many triplet rows have a text of an evaluation set of the directories that are named."""
    gate = Gate.of(named)
    texts = ((row["sentence"], row["positive"], row["negative"]) for row in triplets)
    return sum(gate.first_match(three) is not None for three in texts)
