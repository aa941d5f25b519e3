"""Sign flips against scipy's paired permutation test and every way of flipping written out; interval and p-value as one."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from syncse_local.compare.sign_flip import SignFlip

Floats = NDArray[np.float64]


def flipped(*sets: Floats, draws: int = 20_000) -> SignFlip:
    return SignFlip.of(list(sets), 0.01, draws, 1, "task")


def by_hand(*sets: Floats) -> float:
    """The two-sided p over all ways of flipping, twice the smaller tail, the seen one in both."""
    terms = np.concatenate([values / len(values) for values in sets])
    sums = np.array([np.dot(signs, terms) for signs in product((-1, 1), repeat=len(terms))])
    tails = [(sums >= terms.sum() - 1e-12).mean(), (sums <= terms.sum() + 1e-12).mean()]
    return float(min(1.0, 2 * min(tails)))


@pytest.mark.parametrize("shift", [-0.4, 0.0, 0.2, 0.7])
def test_few_items_are_tried_in_every_way(shift: float) -> None:
    values = np.random.default_rng(1).normal(size=10) + shift
    made = flipped(values)
    assert made.p_value() == pytest.approx(by_hand(values))
    reference = stats.permutation_test(
        (values, np.zeros(10)), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert made.p_value() == pytest.approx(reference.pvalue)
    assert made.least == pytest.approx(2 / 2**10)


def test_an_average_flips_the_items_of_each_of_its_tasks() -> None:
    rng = np.random.default_rng(2)
    one, two = rng.normal(size=6) + 0.5, rng.normal(size=4) + 0.3
    assert flipped(one, two).p_value() == pytest.approx(by_hand(one, two))


def test_many_items_are_flipped_at_random_as_scipy_does() -> None:
    values = np.random.default_rng(3).exponential(size=80) - 0.8
    made = flipped(values)
    reference = stats.permutation_test(
        (values, np.zeros(80)), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples",
        n_resamples=20_000, vectorized=True, rng=np.random.default_rng(4),
    )  # fmt: skip
    assert made.p_value() == pytest.approx(reference.pvalue, abs=0.012)
    again, other = flipped(values), SignFlip.of([values], 0.01, 20_000, 2, "task")
    assert made.p_value() == again.p_value() != other.p_value()


@pytest.mark.parametrize("items", [8, 60])
def test_the_p_value_is_the_level_at_which_the_interval_ends_at_zero(items: int) -> None:
    values = np.random.default_rng(5).normal(size=items) + 2 / np.sqrt(items)
    made = flipped(values)
    p = made.p_value()
    inside, outside = made.interval(p * 0.98), made.interval(p * 1.001)
    assert inside[0] <= 0 <= inside[1]
    assert outside[0] > 0 or outside[1] < 0


def test_the_interval_is_about_students_where_that_holds() -> None:
    values = np.random.default_rng(6).normal(size=300) * 0.1 + 0.02
    wanted = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert flipped(values).interval(0.05) == pytest.approx((wanted.low, wanted.high), abs=0.001)


def test_items_that_do_not_differ_say_nothing() -> None:
    same = flipped(np.zeros(30))
    assert (same.p_value(), same.least, same.differing) == (1.0, 1.0, 0)
    few = np.zeros(30)
    few[:4] = 0.5
    made = flipped(few)
    assert made.least == 2 / 16
    assert made.p_value() == pytest.approx(2 / 16)
    low, high = made.interval(0.05)
    assert low <= 0 < high


def test_of_equal_encoders_one_in_twenty_is_told_apart_however_few_the_queries() -> None:
    """Where the bootstrap errs 10 to 14 times in 100: average precisions of 41 queries."""
    rng = np.random.default_rng(7)
    studies = 600
    wrong = sum(
        SignFlip.of([rng.choice([-1, 1], 41) * rng.exponential(size=41)], 0.1, 499, at, "a").p_value() <= 0.05
        for at in range(studies)
    )
    assert 0.02 < wrong / studies < 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / studies)
