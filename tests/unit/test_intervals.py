"""Intervals against scipy's bootstrap on its own draws, p-values against the intervals, Holm and Welch against references."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from syncse_local.compare.floors import floor
from syncse_local.compare.intervals import Draws, holm, welch

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


def test_holm_is_the_procedure_written_out() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005, 0.01, 0.6]
    found = holm(p_values, 0.05)
    order = sorted(p_values)
    for p, said in zip(p_values, found, strict=True):
        below = [min(1.0, (len(order) - at) * other) for at, other in enumerate(order) if other <= p]
        assert said.adjusted == pytest.approx(max(below))
        assert said.rejected == (max(below) <= 0.05)
    assert [said.rejected for said in found] == [True, False, False, True, True, False]
    assert found[3].level == 0.05 / 6
    assert found[0].level == found[4].level == 0.05 / 5  # equal ones at one level
    assert found[1].level == found[5].level == 0.05 / 3  # where the procedure ended
    assert holm([]) == []


def test_welch_is_scipys() -> None:
    one, two = [0.61, 0.63, 0.64], [0.58, 0.6, 0.57, 0.605]
    found, reference = welch(one, two), stats.ttest_ind(one, two, equal_var=False)
    assert found is not None
    assert found.p_value() == pytest.approx(reference.pvalue)
    ends = reference.confidence_interval(0.95)
    assert found.difference - found.half_width(0.05) == pytest.approx(ends.low)
    assert welch([0.6], two) is None
    same = welch([0.5, 0.5], [0.5, 0.5])
    assert same is not None
    assert same.p_value() == 1


def test_the_floor_is_calibrated_where_it_can_be_and_else_from_the_arms() -> None:
    runs = [0.60, 0.61, 0.62, 0.60, 0.62]
    made = floor(runs, [0.7], [0.5])
    assert made is not None
    assert made.value == pytest.approx(stats.t.ppf(0.975, 4) * np.std(runs, ddof=1) * np.sqrt(2))
    three = floor(runs, [0.7] * 3, [0.5] * 3)
    assert three is not None
    assert three.value == pytest.approx(made.value / np.sqrt(3))
    assert "5 runs" in made.source
    seeds = [0.6, 0.61, 0.62], [0.5, 0.51, 0.53]
    assert floor(runs[:4], *seeds) == floor(None, *seeds)  # the arms' own seeds say more than a small calibration
    assert floor(runs, *seeds) != floor(None, *seeds)
    own = floor(None, [0.6, 0.62], [0.5])
    assert own is not None
    assert "one arm" in own.source
    assert floor(None, [0.6], [0.5]) is None
