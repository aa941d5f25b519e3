"""STS: scored sentence pairs, and the correlation of their cosines with the gold scores. Knows no file (see `sts_files`)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import Pause, TaskData, TaskScore, Vectors
from syncse_local.evaluation.metrics import paired_cosine, pearson, spearman
from syncse_local.evaluation.tasks import DEV
from syncse_local.records import ScoredPair

# Cosines closer than this differ by the rounding of single precision: a collapsed encoder, with ranks that are noise.
_ROUNDING = 1e-6


@dataclass(slots=True, kw_only=True)
class StsData(TaskData):
    """The scored pairs of one task.

    `subsets` keeps the order of the task table (one entry named after the task when there are no subsets); `skipped`
    counts rows without a gold score; `missing_subsets` names the subsets whose files are not there.
    """

    subsets: dict[str, list[ScoredPair]]
    missing_subsets: list[str] = field(default_factory=list)

    @property
    def items(self) -> int:
        """Scored pairs over all subsets."""
        return sum(len(rows) for rows in self.subsets.values())

    def pairs(self) -> list[ScoredPair]:
        """The pairs of all subsets, concatenated."""
        return [pair for rows in self.subsets.values() for pair in rows]

    def sentences(self) -> Iterator[str]:
        """Both sides of every pair."""
        for pair in self.pairs():
            yield pair.first
            yield pair.second

    def identity(self) -> Iterator[object]:
        """Pairs with their gold."""
        for pair in self.pairs():
            yield [pair.first, pair.second, pair.gold]

    def score(self, vectors: Vectors, pause: Pause) -> TaskScore:
        """Correlations over all pairs at once ("all" in SimCSE's terms), their mean and wmean over subsets (SentEval's,
        sts.py), and those of each subset in the detail."""
        pairs = self.pairs()
        predicted = paired_cosine(vectors.of([p.first for p in pairs]), vectors.of([p.second for p in pairs]))
        gold = np.array([pair.gold for pair in pairs])
        figures = _correlate(gold, predicted)
        if figures["spearman"] is None:
            self.notes.append(f"undefined: {_why_undefined(gold)}")
        subsets: list[dict[str, Any]] = []
        start = 0
        for name, rows in self.subsets.items():
            part = slice(start, start + len(rows))
            subsets.append({"name": name, **_correlate(gold[part], predicted[part]), "pairs": len(rows)})
            start += len(rows)
        figures |= over_subsets(subsets)
        columns = {
            "spearman": tuple(predicted.tolist()),
            "gold": tuple(gold.tolist()),
            "cluster": tuple(sharing((pair.first, pair.second) for pair in pairs)),
        }
        return self.scored(figures, predictions=columns, detail={"subsets": subsets})


def scored_pairs(tasks: Iterable[TaskData]) -> list[ScoredPair]:
    """Every pair of the tasks, in order. Raises SyncseError for a task of another family, which has none."""
    found: list[ScoredPair] = []
    for task in tasks:
        if not isinstance(task, StsData):
            raise SyncseError(
                "Not an STS task", f"{task.name} has no scored pairs.", f"Use {', '.join(DEV)}.", ExitCode.USAGE
            )
        found += task.pairs()
    return found


def sharing(pairs: Iterable[tuple[str, str]]) -> list[int]:
    """A number for each pair, the same for pairs that share a sentence, and for those that a chain of such pairs connects."""
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while parent.setdefault(text, text) != text:
            parent[text] = text = parent[parent[text]]  # halve the way for the next one
        return text

    listed = list(pairs)
    for first, second in listed:
        parent[root(first)] = root(second)
    numbers: dict[str, int] = {}
    return [numbers.setdefault(root(first), len(numbers)) for first, _ in listed]


def over_subsets(subsets: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """The subsets' correlations averaged, plainly and by their pairs; nothing under two, None where one is undefined."""
    found: dict[str, float | None] = {}
    for figure in ("spearman", "pearson") if len(subsets) > 1 else ():
        values, pairs = [subset[figure] for subset in subsets], [subset["pairs"] for subset in subsets]
        whole = None not in values
        found[f"{figure}_mean"] = float(np.mean(values)) if whole else None
        found[f"{figure}_wmean"] = float(np.average(values, weights=pairs)) if whole else None
    return found


def correlation(gold: NDArray[Any], predicted: NDArray[Any]) -> float | None:
    """Spearman's rho of (n,) gold scores and cosines; None where it is undefined, a collapsed encoder among that."""
    return _correlate(gold, predicted)["spearman"]


def _correlate(gold: NDArray[Any], predicted: NDArray[Any]) -> dict[str, float | None]:
    if len(gold) < 2 or np.ptp(predicted) < _ROUNDING:
        return {"spearman": None, "pearson": None}
    return {"spearman": spearman(gold, predicted), "pearson": pearson(gold, predicted)}


def _why_undefined(gold: NDArray[Any]) -> str:
    if len(gold) < 2:
        return f"a correlation needs at least two scored pairs and there are {len(gold)}"
    if np.ptp(gold) == 0:
        return "all gold scores are equal"
    return "all predictions are equal, the encoder gives every sentence pair the same cosine"
