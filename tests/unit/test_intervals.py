"""Intervals against scipy's bootstrap on its own draws, p-values against the intervals, Student's t against scipy's."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from syncse_local.compare.intervals import Draws, Student, Variance

Floats = NDArray[np.float64]


def lopsided(seed: int, size: int = 30) -> Floats:
    return np.random.default_rng(seed).exponential(size=size)


def influence(values: Floats) -> Floats:
    """Of a mean: (n - 1) x (mean of the leave-one-out means - each)."""
    without = (values.sum() - values) / (len(values) - 1)
    found: Floats = (len(values) - 1) * (without.mean() - without)
    return found


@pytest.mark.parametrize("level", [0.05, 0.2])
@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_the_interval_is_scipys_on_the_same_draws(method: str, level: float) -> None:
    values = lopsided(1)
    reference = stats.bootstrap(
        (values,), np.mean, n_resamples=9999, confidence_level=1 - level, method=method, rng=np.random.default_rng(2)
    )
    drawn = reference.bootstrap_distribution
    made = Draws.bca(drawn, float(values.mean()), [influence(values)]) if method == "BCa" else Draws.percentile(drawn)
    assert made.interval(level) == pytest.approx(tuple(reference.confidence_interval), abs=2e-4)
    assert (made.bias != 0) == (method == "BCa")


def test_bca_over_two_independent_sets_of_items_is_scipys() -> None:
    one, two = lopsided(3), lopsided(4, 18)

    def difference(a: Floats, b: Floats, axis: int = -1) -> Floats:
        found: Floats = np.mean(a, axis=axis) - np.mean(b, axis=axis)
        return found

    reference = stats.bootstrap((one, two), difference, n_resamples=9999, method="BCa", rng=np.random.default_rng(5))
    estimate = float(one.mean() - two.mean())
    made = Draws.bca(reference.bootstrap_distribution, estimate, [influence(one), -influence(two)])
    assert made.interval(0.05) == pytest.approx(tuple(reference.confidence_interval), abs=2e-4)


@pytest.mark.parametrize("method", ["bca", "percentile"])
@pytest.mark.parametrize("shift", [-0.1, 0.1, 0.3])
def test_the_p_value_is_the_level_at_which_the_interval_ends_at_zero(method: str, shift: float) -> None:
    values = lopsided(6) - 1 + shift
    drawn = np.random.default_rng(7).choice(values, size=(20_000, len(values))).mean(axis=1)
    made = Draws.bca(drawn, float(values.mean()), [influence(values)]) if method == "bca" else Draws.percentile(drawn)
    p = made.p_value()
    assert 0.0001 < p < 1
    assert min(map(abs, made.interval(p))) < 0.002


def test_a_p_value_is_never_below_what_the_draws_can_show() -> None:
    assert Draws.percentile(np.full(99, 0.5)).p_value() == pytest.approx(2 / 100)
    assert Draws.percentile(np.linspace(1, 2, 99)).p_value() == pytest.approx(2 / 100)
    assert Draws.percentile(np.zeros(99)).p_value() == 1


def test_an_end_beyond_the_reach_of_bca_is_the_last_draw() -> None:
    drawn = np.sort(np.random.default_rng(8).normal(size=999))
    assert Draws(drawn, bias=0.0, acceleration=0.5).interval(0.001)[1] == drawn[-1]
    assert Draws(drawn, bias=0.0, acceleration=-0.5).interval(0.001)[0] == drawn[0]


def test_students_t_is_scipys() -> None:
    values = lopsided(9, 12) - 0.8
    reference = stats.ttest_1samp(values, 0)
    made = Student(float(values.mean()), float(values.std(ddof=1) / np.sqrt(12)), 11)
    assert made.p_value() == pytest.approx(reference.pvalue)
    assert made.interval(0.05) == pytest.approx(tuple(reference.confidence_interval(0.95)))
    assert made.interval(made.p_value())[0] == pytest.approx(0, abs=1e-9)
    assert (Student(0.0, 0.0, 3).p_value(), Student(0.1, 0.0, 3).p_value()) == (1.0, 0.0)


def test_degrees_of_freedom_of_a_sum_are_welchs() -> None:
    one, two = lopsided(10, 5), lopsided(11, 9)
    parts = [Variance(float(values.var(ddof=1)) / len(values), len(values) - 1) for values in (one, two)]
    reference = stats.ttest_ind(one, two, equal_var=False)
    assert Variance.total(parts).freedom == pytest.approx(reference.df)
    assert Variance.total([Variance(0.0, 4), Variance(0.0, 2)]) == Variance(0.0, 6)
