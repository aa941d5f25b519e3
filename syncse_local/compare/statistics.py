"""A task's figure for many resamples at once. A resample is how often each item was drawn: counts of shape (n, draws).

Each statistic takes counts and returns (runs, draws). Equal to computing the figure on the repeated rows, ties and all; NaN
where it is undefined. Knows no interval and no store.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
Columns = Mapping[str, NDArray[Any]]
"""A run's predictions for one task by column, (n,) each."""
NO_MEANS = ("spearman", "pearson", "f1")
"""Metrics that are no mean of a value an item."""


def statistic(metric: str, runs: Sequence[Columns]) -> Statistic:
    """The metric of each run, whose columns are of the same items in the same order."""
    first = runs[0]
    if metric == "spearman":
        return Spearman(first["gold"], [run["spearman"] for run in runs])
    if metric == "pearson":
        return Pearson(first["gold"], [run["spearman"] for run in runs])
    if metric == "accuracy":
        return Mean([run["accuracy"] == run["gold"] for run in runs])
    if metric == "f1":
        return F1(first["gold"], [run["accuracy"] for run in runs])
    return Mean([run[metric] for run in runs])


class Mean:
    """The mean of a value an item: average precision, reciprocal rank, nDCG, whether a class was right."""

    def __init__(self, values: Sequence[NDArray[Any]]) -> None:
        self.values = np.array(values, dtype=np.float64)

    def __call__(self, counts: Floats) -> Floats:
        found: Floats = self.values @ counts / counts.sum(axis=0)
        return found


class F1:
    """F1 of class 1."""

    def __init__(self, gold: NDArray[Any], predicted: Sequence[NDArray[Any]]) -> None:
        wanted = np.asarray(gold) == 1
        given = np.array(predicted) == 1
        self.hits = (given & wanted).astype(np.float64)
        self.sums = given.astype(np.float64) + wanted

    def __call__(self, counts: Floats) -> Floats:
        found: Floats = 2 * (self.hits @ counts) / np.maximum(self.sums @ counts, 1)
        return found


class Pearson:
    """Pearson's correlation of each run's predictions with the gold scores."""

    def __init__(self, gold: NDArray[Any], predicted: Sequence[NDArray[Any]]) -> None:
        self.gold = _centred(np.asarray(gold, dtype=np.float64))  # any constant may be taken away, and it keeps digits
        self.predicted = _centred(np.array(predicted, dtype=np.float64))

    def __call__(self, counts: Floats) -> Floats:
        total = counts.sum(axis=0)
        x, y = self.gold @ counts / total, self.predicted @ counts / total
        spread_x = self.gold**2 @ counts / total - x**2
        spread_y = self.predicted**2 @ counts / total - y**2
        together = (self.predicted * self.gold) @ counts / total - x * y
        return _ratio(together, spread_x * spread_y)


class Spearman:
    """Spearman's correlation of each run's predictions with the gold scores, tied ranks averaged.

    The items are sorted once. In a resample the rank of an item is the number of drawn items before it in that order plus
    half of those it ties with, copies of itself included: a cumulative sum of counts instead of a sort a resample.
    """

    def __init__(self, gold: NDArray[Any], predicted: Sequence[NDArray[Any]]) -> None:
        self.gold = _Side(gold)
        self.predicted = [_Side(values) for values in predicted]

    def __call__(self, counts: Floats) -> Floats:
        centre = (counts.sum(axis=0) + 1) / 2  # the mean rank, whatever the ties
        gold, spread_gold = self.gold.ranks(counts, centre)
        found = []
        for side in self.predicted:
            ranks, spread = side.ranks(counts, centre)
            drawn = counts[side.order]
            drawn *= gold[self.gold.group[side.order]]
            drawn *= ranks if side.distinct else ranks[side.group[side.order]]
            found.append(_ratio(drawn.sum(axis=0), spread * spread_gold))
        return np.array(found)


class _Side:
    """One variable's order: `order` sorts the items, `group` numbers each item's value among the sorted distinct ones."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.order = np.argsort(values, kind="stable")
        distinct, group = np.unique(values, return_inverse=True)
        self.group = group
        self.starts = np.searchsorted(np.asarray(values)[self.order], distinct)
        self.distinct = len(distinct) == len(self.order)

    def ranks(self, counts: Floats, centre: Floats) -> tuple[Floats, Floats]:
        """Ranks less their mean by distinct value, (values, draws), and the sum of their squares over all items, (draws,)."""
        masses = counts[self.order]
        if not self.distinct:
            masses = np.add.reduceat(masses, self.starts, axis=0)
        ranks = np.cumsum(masses, axis=0)
        ranks -= (masses - 1) / 2
        ranks -= centre
        masses *= ranks
        masses *= ranks
        return ranks, masses.sum(axis=0)


def _centred(values: Floats) -> Floats:
    centred: Floats = values - values.mean(axis=-1, keepdims=True)
    return centred


def _ratio(together: Floats, squares: Floats) -> Floats:
    """Covariance over the root of both variances; NaN where a variance is zero."""
    defined = squares > 1e-24
    found: Floats = np.divide(
        together, np.sqrt(np.maximum(squares, 1e-24)), out=np.full_like(together, np.nan), where=defined
    )
    return found
