"""The classifier and the folds against scikit-learn: the same folds exactly, the same optimum closely."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from syncse_local.evaluation.logistic import Floats, Labels, fit_path, predict, stratified_folds
from syncse_local.evaluation.senteval_protocol import NARROW, first_best


def blobs(count: int, classes: int, seed: int = 0) -> tuple[Floats, Labels]:
    """Overlapping clouds of unit vectors."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    points = random.normal(size=(classes, 12))[labels] + 1.5 * random.normal(size=(count, 12))
    return points / np.linalg.norm(points, axis=1, keepdims=True), labels


@pytest.mark.parametrize(("classes", "seed"), [(2, 1111), (2, 7), (6, 1111)])
@pytest.mark.parametrize("sort", [False, True])
def test_folds_are_scikit_learns(classes: int, seed: int, sort: bool) -> None:
    labels = np.random.default_rng(5).integers(0, classes, 257)
    labels = np.sort(labels)[::-1].copy() if sort else labels  # classes as they appear, not as they sort
    theirs = StratifiedKFold(10, shuffle=True, random_state=seed).split(np.zeros(len(labels)), labels)
    for (train, test), (their_train, their_test) in zip(stratified_folds(labels, 10, seed), theirs, strict=True):
        assert train.tolist() == their_train.tolist()
        assert test.tolist() == their_test.tolist()


@pytest.mark.parametrize("classes", [2, 5])
def test_weights_reach_scikit_learns_optimum_for_every_c_of_the_path(classes: int) -> None:
    features, labels = blobs(400, classes)
    for strength, weights in zip(NARROW, fit_path(features, labels, classes, NARROW), strict=True):
        theirs = LogisticRegression(C=strength, tol=1e-9, max_iter=10_000).fit(features, labels)
        scores = features @ weights[:-1] + weights[-1]
        ours = scores[:, 1] - scores[:, 0] if classes == 2 else scores - scores.mean(axis=1, keepdims=True)
        expected = theirs.decision_function(features)
        expected = expected if classes == 2 else expected - expected.mean(axis=1, keepdims=True)
        assert ours == pytest.approx(expected, abs=2e-3)
        assert np.mean(predict(weights, features) == theirs.predict(features)) > 0.995


def test_separable_and_constant_features_still_end() -> None:
    labels = np.array([0, 1] * 20)
    (weights,) = fit_path(labels[:, None] * 100.0, labels, 2, [32.0])
    assert predict(weights, labels[:, None] * 100.0).tolist() == labels.tolist()
    (weights,) = fit_path(np.ones((40, 3)), labels, 2, [1.0])
    assert np.isfinite(weights).all()


def test_equal_accuracies_choose_the_first() -> None:
    assert first_best([0.5, 0.800001, 0.8000015, 0.7]) == 1
    assert first_best([0.8, 0.8002]) == 1
