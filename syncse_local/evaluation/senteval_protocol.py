"""How SentEval chooses the C of a logistic regression and what it predicts with it (senteval/tools/validation.py).

Which splits a task has decides the method. Folds, grids, seed and the choice among equals are SentEval's with
scikit-learn's classifier; its Adam-trained classifier, which SimCSE's tables use, differs by a few tenths of a point.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from syncse_local.evaluation.base import Pause
from syncse_local.evaluation.logistic import Floats, Labels, fit_path, predict, stratified_folds

SEED = 1111
"""SentEval's, of its own evaluation scripts."""
FOLDS = 10
"""SentEval's k-fold for the sets without a split, as in the papers."""
NARROW = tuple(2.0**t for t in range(-2, 4))  # one set in nested folds; train, dev and test
WIDE = tuple(2.0**t for t in range(-1, 6))  # train and test


@dataclass(frozen=True, slots=True)
class Labelled:
    """Features (n, d) with their classes."""

    features: Floats
    labels: Labels

    def __getitem__(self, rows: Labels) -> "Labelled":
        return Labelled(self.features[rows], self.labels[rows])

    def accuracy(self, weights: Floats) -> float:
        """The share of classes that the weights predict."""
        return float(np.mean(predict(weights, self.features) == self.labels))

    def fits(self, grid: Sequence[float]) -> Iterator[Floats]:
        """Weights for each C."""
        return fit_path(self.features, self.labels, int(self.labels.max()) + 1, grid)

    def folds(self) -> Iterator[tuple[Labels, Labels]]:
        """SentEval's folds."""
        return stratified_folds(self.labels, FOLDS, SEED)


Outcome = tuple[Labels, list[float]]
"""The predicted classes, and the C behind them."""


def nested(sets: dict[str, Labelled], pause: Pause) -> Outcome:
    """One set: each fold is predicted with the C that does best over the folds of the rest."""
    whole = sets["all"]
    predicted, chosen = np.empty_like(whole.labels), []
    for train, test in whole.folds():
        chosen.append(best_by_folds(whole[train], NARROW, pause))
        predicted[test] = predict(next(whole[train].fits(chosen[-1:])), whole.features[test])
    return predicted, chosen


def train_test(sets: dict[str, Labelled], pause: Pause) -> Outcome:
    """The C that does best over the folds of train."""
    chosen = [best_by_folds(sets["train"], WIDE, pause)]
    return predict(next(sets["train"].fits(chosen)), sets["test"].features), chosen


def train_dev_test(sets: dict[str, Labelled], pause: Pause) -> Outcome:
    """The C that does best on dev."""
    fits = []
    for weights in sets["train"].fits(NARROW):
        pause()
        fits.append(weights)
    best = first_best([sets["dev"].accuracy(weights) for weights in fits])
    return predict(fits[best], sets["test"].features), [NARROW[best]]


METHODS = {("all",): nested, ("train", "test"): train_test, ("train", "dev", "test"): train_dev_test}


def best_by_folds(data: Labelled, grid: Sequence[float], pause: Pause) -> float:
    """The C of `grid` with the best mean accuracy over the folds."""
    accuracies = []
    for train, test in data.folds():
        pause()
        held_out = data[test]
        accuracies.append([held_out.accuracy(weights) for weights in data[train].fits(grid)])
    return grid[first_best(np.mean(accuracies, axis=0).tolist())]


def first_best(accuracies: Sequence[float]) -> int:
    """The best place, the first of those that are equal to a hundredth of a percent."""
    return int(np.argmax([round(100 * accuracy, 2) for accuracy in accuracies]))
