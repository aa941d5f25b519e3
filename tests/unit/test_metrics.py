"""Correlations and cosines on values worked out by hand, and the cases without a value."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from syncse_local.errors import SyncseError
from syncse_local.evaluation.metrics import paired_cosine, pearson, spearman

Correlation = Callable[[list[float], list[float]], float | None]


def test_spearman_averages_the_ranks_of_ties() -> None:
    # Ranks of (1, 2, 2, 4) are 1, 2.5, 2.5, 4; against 1, 2, 3, 4 the covariance is 4.5 and the variances 4.5 and 5.
    assert spearman([1, 2, 2, 4], [0.1, 0.2, 0.3, 0.4]) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


def test_pearson_by_hand() -> None:
    # Deviations (-1, 0, 1) and (-2, 1, 1): 3 / sqrt(2 * 6).
    assert pearson([1, 2, 3], [0, 3, 3]) == pytest.approx(3 / math.sqrt(12))


@pytest.mark.parametrize("correlation", [spearman, pearson])
@pytest.mark.parametrize(("gold", "predicted"), [([1, 2, 3], [0.5, 0.5, 0.5]), ([2, 2, 2], [0.1, 0.2, 0.3])])
def test_a_constant_side_is_undefined(correlation: Correlation, gold: list[float], predicted: list[float]) -> None:
    assert correlation(gold, predicted) is None


@pytest.mark.parametrize("correlation", [spearman, pearson])
@pytest.mark.parametrize(
    ("gold", "predicted", "says"),
    [
        ([1], [1], "at least two pairs and has 1"),
        ([], [], "at least two pairs and has 0"),
        ([1, 2], [1, 2, 3], "one length"),
        ([1, 2], [1, math.nan], "not a finite number"),
        ([1, math.inf], [1, 2], "not a finite number"),
    ],
)
def test_bad_values_are_refused(correlation: Correlation, gold: list[float], predicted: list[float], says: str) -> None:
    with pytest.raises(SyncseError, match=says):
        correlation(gold, predicted)


def test_cosine_of_paired_rows() -> None:
    first = np.array([[1, 0], [1, 1], [3, 4], [0, 0]], dtype=np.float32)
    second = np.array([[0, 2], [2, 2], [-3, -4], [1, 1]], dtype=np.float32)
    assert paired_cosine(first, second).tolist() == pytest.approx([0, 1, -1, 0])


def test_cosine_needs_equal_shapes() -> None:
    with pytest.raises(SyncseError, match="one shape"):
        paired_cosine(np.zeros((2, 3)), np.zeros((3, 3)))
