"""Transfer: SentEval's classification sets, and the accuracy of logistic regression on fixed embeddings.

Reads the files in SentEval's order and makes its features; how C is chosen stands in `senteval`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from syncse_local.evaluation.base import Missing, Pause, TaskData, TaskScore, Vectors
from syncse_local.evaluation.lines import bad_file, read_lines, sentence_pair, split_columns
from syncse_local.evaluation.senteval_protocol import FOLDS, METHODS, Labelled
from syncse_local.evaluation.tasks import Task

TREC = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence or a pair with its class."""

    texts: tuple[str, ...]
    label: int


@dataclass(slots=True, kw_only=True)
class TransferData(TaskData):
    """Examples by split: all; train and test; or train, dev and test. With `f1`, the F1 of class 1 is wanted too."""

    splits: dict[str, list[Example]]
    f1: bool = False

    @property
    def items(self) -> int:
        """Examples that are scored."""
        return len(self.splits.get("test") or self.splits["all"])

    def sentences(self) -> Iterator[str]:
        """Every text."""
        for examples in self.splits.values():
            for example in examples:
                yield from map(_spoken, example.texts)

    def identity(self) -> Iterator[object]:
        """Examples of every split: what a classifier learns from decides its predictions too."""
        for split, examples in self.splits.items():
            for example in examples:
                yield [split, example.texts, example.label]

    def score(self, vectors: Vectors, pause: Pause) -> TaskScore:
        """Accuracy over all examples of the scored split, with their predicted classes and the C that were chosen."""
        names = ("accuracy", "f1") if self.f1 else ("accuracy",)
        if reason := self._unfit():
            self.notes.append(f"undefined: {reason}")
            return self.scored(dict.fromkeys(names))
        sets = {name: _labelled(vectors, examples) for name, examples in self.splits.items()}
        predicted, chosen = METHODS[tuple(sets)](sets, pause)
        gold = sets["test" if "test" in sets else "all"].labels
        figures = {"accuracy": float(np.mean(predicted == gold))}
        if self.f1:
            figures["f1"] = float(2 * (predicted & gold).sum() / max((predicted + gold).sum(), 1))
        columns = {"accuracy": tuple(predicted.tolist()), "gold": tuple(gold.tolist())}
        return self.scored(figures, predictions=columns, detail={"c": chosen})

    def _unfit(self) -> str:
        """Why nothing can be learnt here; empty where it can."""
        counts = Counter(example.label for example in self.splits.get("train") or self.splits["all"])
        if len(counts) > 1 and min(counts.values()) >= FOLDS:
            return ""
        return f"two classes of at least {FOLDS} examples are needed, and there are {dict(counts)} by class"


def _labelled(vectors: Vectors, examples: Sequence[Example]) -> Labelled:
    sides = [vectors.of([_spoken(text) for text in side]) for side in zip(*(e.texts for e in examples), strict=True)]
    u, v = sides[0].astype(np.float64), sides[-1].astype(np.float64)
    features = u if len(sides) == 1 else np.hstack((np.abs(u - v), u * v))
    return Labelled(features, np.array([example.label for example in examples]))


def _spoken(text: str) -> str:
    """SentEval hands an empty line (CR and MPQA have some) to the encoder as a full stop."""
    return text or "."


def read_binary(task: Task, path: Path) -> TransferData | Missing:
    """A file for each class, a sentence a line."""
    return _read(task, path, [("all", partial(_plain, label)) for label in (1, 0)])


def read_sst(task: Task, path: Path) -> TransferData | Missing:
    """Sentence, tab, class."""
    return _read(task, path, [(split, _sst) for split in ("train", "dev", "test")])


def read_trec(task: Task, path: Path) -> TransferData | Missing:
    """`CLASS:subclass question`."""
    return _read(task, path, [(split, _trec) for split in ("train", "test")])


def read_mrpc(task: Task, path: Path) -> TransferData | Missing:
    """A header, then class, two ids and two sentences."""
    data = _read(task, path, [(split, _mrpc) for split in ("train", "test")], header=1)
    if isinstance(data, TransferData):
        data.f1 = True
    return data


Parse = Callable[[Path, int, str], Example]


def _read(task: Task, path: Path, sources: Sequence[tuple[str, Parse]], header: int = 0) -> TransferData | Missing:
    absent = [path / name for name, _ in task.files if not (path / name).is_file()]
    if absent:
        return Missing(task.name, str(absent[0]))
    data = TransferData(name=task.name, splits={}, files=[path / name for name, _ in task.files])
    for (name, official), (split, parse) in zip(task.files, sources, strict=True):
        lines = read_lines(path / name, otherwise="latin-1")[header:]
        if not lines:
            raise bad_file(path / name, None, "is empty")
        if len(lines) != official:
            data.complete = False
            data.notes.append(f"{name} has {len(lines)} examples where the published file has {official}")
        examples = [parse(path / name, number, line) for number, line in enumerate(lines, start=1 + header)]
        data.splits.setdefault(split, []).extend(examples)
    for examples in data.splits.values():  # SentEval's order, which the folds depend on
        examples.sort(key=lambda e: (*(len(text.split()) for text in e.texts), e.label))
    return data


def _plain(label: int, path: Path, line: int, text: str) -> Example:
    return Example((_words(text),), label)


def _sst(path: Path, line: int, text: str) -> Example:
    sentence, label = split_columns(path, line, text, 2)[:2]
    return Example((_words(sentence),), _binary(path, line, label))


def _trec(path: Path, line: int, text: str) -> Example:
    label, colon, rest = text.strip().partition(":")
    if not colon or label not in TREC:
        raise bad_file(path, line, f"does not begin with a class ({', '.join(TREC)}) and a colon")
    return Example((_words(rest.partition(" ")[2]),), TREC.index(label))


def _mrpc(path: Path, line: int, text: str) -> Example:
    columns = split_columns(path, line, text, 5)
    return Example(sentence_pair(path, line, columns, 3, 4), _binary(path, line, columns[0]))


def _binary(path: Path, line: int, label: str) -> int:
    if label.strip() not in ("0", "1"):
        raise bad_file(path, line, f"the class {label[:40]!r} is neither 0 nor 1")
    return int(label)


def _words(text: str) -> str:
    return " ".join(text.split())
