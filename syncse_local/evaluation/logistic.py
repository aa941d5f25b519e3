"""Multinomial logistic regression with an L2 penalty, and stratified folds: scikit-learn's, on numpy and scipy alone.

The optimum is scikit-learn's `LogisticRegression(C)` (the intercept bears no penalty), reached for several C in one go.
Knows no task.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

_TOLERANCE = 1e-9  # relative change of the loss at which a fit ends; accuracies are settled long before


def stratified_folds(labels: Labels, folds: int, seed: int) -> Iterator[tuple[Labels, Labels]]:
    """(train, test) rows of each fold: those of scikit-learn's StratifiedKFold(folds, shuffle=True, random_state=seed)."""
    random = np.random.RandomState(seed)  # the legacy generator: its stream is frozen, and part of the protocol
    _, first, labels = np.unique(labels, return_index=True, return_inverse=True)
    classes = np.argsort(first)  # scikit-learn numbers classes as they appear
    ordered = np.sort(np.argsort(classes)[labels])
    counts = [np.bincount(ordered[fold::folds], minlength=len(classes)) for fold in range(folds)]
    fold_of = np.empty(len(labels), dtype=np.int64)
    for place, label in enumerate(classes):
        dealt = np.repeat(np.arange(folds), [count[place] for count in counts])
        random.shuffle(dealt)
        fold_of[labels == label] = dealt
    for fold in range(folds):
        yield np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)


def fit_path(features: Floats, labels: Labels, classes: int, strengths: Sequence[float]) -> Iterator[Floats]:
    """Weights (d + 1, classes), the intercept last, for each C of `strengths`; each fit starts where the last one ended.

    Two classes are a softmax of two columns too, whose penalty counts every weight twice at half its size: C / 2 makes it
    the one-column penalty. The quasi-Newton steps run in coordinates where the curvature at zero is the identity, so
    that some ten are enough.
    """
    design = np.column_stack((features, np.ones(len(features))))
    targets = np.eye(classes)[labels]
    curvature = design.T @ design * (1 - 1 / classes) / classes
    weights = np.zeros((design.shape[1], classes))
    for strength in strengths:
        penalty = np.full((design.shape[1], 1), 2 / strength if classes == 2 else 1 / strength)
        penalty[-1] = 0
        root = cholesky(curvature + np.diag(penalty[:, 0]))
        loss = _loss(design, targets, penalty, root)
        found = minimize(
            loss, (root @ weights).ravel(), jac=True, method="L-BFGS-B", options={"ftol": _TOLERANCE, "gtol": 1e-4}
        )
        weights = solve_triangular(root, found.x.reshape(weights.shape))
        yield weights


def _loss(design: Floats, targets: Floats, penalty: Floats, root: Floats) -> Callable[[Floats], tuple[float, Floats]]:
    """Cross-entropy and penalty with their gradient, as a function of `root` @ weights."""

    def loss(point: Floats) -> tuple[float, Floats]:
        weights = solve_triangular(root, point.reshape(-1, targets.shape[1]))
        scores = design @ weights
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        sums = shares.sum(axis=1, keepdims=True)
        value = np.log(sums).sum() - (scores * targets).sum() + 0.5 * (penalty * weights**2).sum()
        slope = design.T @ (shares / sums - targets) + penalty * weights
        return float(value), solve_triangular(root, slope, trans="T").ravel()

    return loss


def predict(weights: Floats, features: Floats) -> Labels:
    """The likeliest class of each row."""
    labels: Labels = (features @ weights[:-1] + weights[-1]).argmax(axis=1)
    return labels
