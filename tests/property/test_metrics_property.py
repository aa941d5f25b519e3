"""Properties of the correlations over many inputs, with scipy as the reference."""

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from syncse_local.evaluation.metrics import paired_cosine, pearson, spearman

# Small whole numbers make ties common and keep every map below exact.
values = st.integers(-12, 12)
pair_lists = st.lists(st.tuples(values, values), min_size=2, max_size=60)


def _sides(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [gold for gold, _ in pairs], [predicted for _, predicted in pairs]


@given(pair_lists)
def test_equal_to_scipy_and_undefined_exactly_when_a_side_is_constant(pairs: list[tuple[int, int]]) -> None:
    gold, predicted = _sides(pairs)
    if len(set(gold)) == 1 or len(set(predicted)) == 1:
        assert spearman(gold, predicted) is None
        assert pearson(gold, predicted) is None
        return
    # The reference goes through ranks and numpy, not through the function that metrics calls.
    ranks = stats.rankdata(gold), stats.rankdata(predicted)
    assert spearman(gold, predicted) == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-12)
    assert spearman(gold, predicted) == stats.spearmanr(gold, predicted).statistic
    assert pearson(gold, predicted) == pytest.approx(np.corrcoef(gold, predicted)[0, 1], abs=1e-12)


@given(pair_lists, st.sampled_from([lambda v: v**3, lambda v: 7 * v - 5, np.exp, np.arctan]))
def test_spearman_ignores_rising_maps_and_changes_sign_under_falling_ones(
    pairs: list[tuple[int, int]], rising: Callable[[int], float]
) -> None:
    gold, predicted = _sides(pairs)
    before = spearman(gold, predicted)
    mapped = [float(rising(value)) for value in predicted]
    falling = [-value for value in mapped]
    if before is None:
        assert spearman(gold, mapped) is None
        return
    assert spearman(gold, mapped) == pytest.approx(before, abs=1e-12)
    assert spearman(gold, falling) == pytest.approx(-before, abs=1e-12)


@given(pair_lists, st.randoms(use_true_random=False))
def test_spearman_does_not_depend_on_the_order_of_pairs_or_sides(pairs: list[tuple[int, int]], random: Random) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)
    before = spearman(*_sides(pairs))
    after = spearman(*_sides(shuffled)[::-1])
    assert after is None if before is None else after == pytest.approx(before, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_cosine_ignores_scale_and_stays_within_one(seed: int, one: float, two: float) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, 5, 7))
    cosines = paired_cosine(first, second)
    assert np.abs(cosines).max() <= 1 + 1e-12
    assert paired_cosine(one * first, two * second) == pytest.approx(cosines, abs=1e-9)
