"""The contamination gate: texts that an evaluation set has too, whole or in eight words in a row. Training leaves them out.

Knows the sets' sentences; knows no model. What a set does not hold word for word passes: a paraphrase is no match.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from syncse_local.errors import SyncseError
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.tasks import TASKS
from syncse_local.paths import starter_sts
from syncse_local.synthesis.text import squash, words

GRAM = 8


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
    _grams: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, senteval: Path | None = None) -> "Gate":
        """The starter sets, and every STS set of SentEval whose files are there."""
        gate = cls()
        for name in (task.name for task in TASKS.values() if task.family == "sts"):
            try:
                found, _ = read_tasks([name], senteval, starter_sts())
            except SyncseError as error:
                gate.unread[name] = error.detail
                continue
            for task in found:
                gate.checked.append(name)
                gate.add(name, task.sentences())
        return gate

    def add(self, task: str, sentences: Iterable[str]) -> None:
        """Take sentences of a task into the gate."""
        for sentence in sentences:
            if key := squash(sentence):
                self._exact.setdefault(key, task)
            for gram in _grams(sentence):
                self._grams.setdefault(gram, task)

    def match(self, text: str) -> Match | None:
        """Where the text is from, if any of the sets has it."""
        if task := self._exact.get(squash(text)):
            return Match("exact", task)
        return next((Match(f"{GRAM}-gram", self._grams[gram]) for gram in _grams(text) if gram in self._grams), None)

    def first_match(self, texts: Iterable[str]) -> Match | None:
        """The first match of several texts."""
        return next((found for text in texts if (found := self.match(text))), None)


def _grams(text: str) -> Iterator[str]:
    tokens = words(text)
    return (" ".join(tokens[i : i + GRAM]) for i in range(len(tokens) - GRAM + 1))


def contaminated(triplets: Iterable[Mapping[str, str]], senteval: str | None) -> int:
    """How many triplet rows have a text of an evaluation set."""
    gate = Gate.load(Path(senteval) if senteval else None)
    texts = ((row["sentence"], row["positive"], row["negative"]) for row in triplets)
    return sum(gate.first_match(three) is not None for three in texts)
