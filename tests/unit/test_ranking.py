"""Ranking measures against cases worked out by hand, ties included."""

from math import log2

import numpy as np
import pytest

from syncse_local.evaluation import ranking


def gains(*values: int) -> ranking.Gains:
    return np.array(values, dtype=np.int64)


def scores(*values: float) -> ranking.Floats:
    return np.array(values)


@pytest.mark.parametrize(
    ("relevance", "cosines", "value"),
    [
        ((1, 0, 1, 0), (0.9, 0.8, 0.7, 0.6), (1 + 2 / 3) / 2),
        ((0, 0, 1), (0.1, 0.2, 0.3), 1.0),
        ((0, 0, 1), (0.3, 0.2, 0.1), 1 / 3),
        ((2, 0, 1), (0.3, 0.9, 0.6), (1 / 2 + 2 / 3) / 2),
        ((1, 0), (0.5, 0.5), 1 / 2),  # one step that finds 1 of 2
        ((1, 0, 1, 0), (0.5, 0.5, 0.4, 0.9), (1 / 3 + 2 / 4) / 2),
        ((0, 0), (0.5, 0.4), 0.0),
    ],
)
def test_average_precision_takes_equal_scores_as_one_step(
    relevance: tuple[int, ...], cosines: tuple[float, ...], value: float
) -> None:
    assert ranking.average_precision(gains(*relevance), scores(*cosines)) == pytest.approx(value)


def test_ranked_keeps_the_given_order_of_equal_scores() -> None:
    assert ranking.ranked(gains(3, 1, 2, 0), scores(0.5, 0.7, 0.5, 0.5)).tolist() == [1, 3, 2, 0]


@pytest.mark.parametrize(
    ("k", "ranking_", "relevant", "value"),
    [
        (1000, (1, 0, 1), 2, (1 + 2 / 3) / 2),
        (2, (1, 0, 1), 2, 1 / 2),  # what comes after k counts as not found
        (1000, (1, 0, 1), 4, (1 + 2 / 3) / 4),  # and so do relevant documents that are no candidates
        (1000, (0, 0), 1, 0.0),
    ],
)
def test_average_precision_at_k(k: int, ranking_: tuple[int, ...], relevant: int, value: float) -> None:
    assert ranking.average_precision_at(k, gains(*ranking_), relevant) == pytest.approx(value)


@pytest.mark.parametrize(("ranking_", "value"), [((0, 0, 2, 1), 1 / 3), ((1,), 1.0), ((0, 0, 0, 0, 1), 0.0)])
def test_reciprocal_rank_stops_at_k(ranking_: tuple[int, ...], value: float) -> None:
    assert ranking.reciprocal_rank_at(4, gains(*ranking_)) == pytest.approx(value)


def test_ndcg_weighs_gains_and_counts_the_ideal_over_all_of_them() -> None:
    found = 0 + 3 / log2(3)
    best = 3 / log2(2) + 2 / log2(3)
    assert ranking.ndcg_at(2, gains(0, 3, 1), gains(0, 3, 1, 2)) == pytest.approx(found / best)
    assert ranking.ndcg_at(10, gains(2, 1, 0), gains(2, 0, 1)) == pytest.approx(1.0)
    assert ranking.ndcg_at(10, gains(0, -1, 1), gains(1, -1, 0)) == pytest.approx(1 / log2(4))
