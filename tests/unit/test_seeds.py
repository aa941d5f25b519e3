"""Noise of training seeds: Welch as scipy has it, pooled where arms are alike, never less than an arm shows by itself."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from syncse_local.compare.bootstrap import Resampled
from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.intervals import Variance
from syncse_local.compare.seeds import SeedNoise, Spread, calibrated_values, seed_noise

Floats = NDArray[np.float64]
NO_ITEMS = Variance(0.0, 1.0)


def figures(values: Floats) -> Figures:
    """Of runs with these values an item, (runs, items)."""
    without = (values.sum(axis=1, keepdims=True) - values) / (values.shape[1] - 1)
    return Figures.of_task(Resampled(values.mean(axis=1), np.repeat(values.mean(axis=1)[:, None], 2, 1), without))


def flat(*means: float) -> Figures:
    """Of runs whose items all have the run's mean: nothing but seeds sets them apart."""
    return figures(np.repeat(np.array(means)[:, None], 50, axis=1))


def arms(*sizes: int, fixed: bool = False) -> tuple[Arm, Arm]:
    """Two arms of so many runs; with `fixed` the second is one."""
    return Arm.of("a", range(sizes[0])), Arm.of("b", range(sizes[0], sum(sizes)), fixed)


def noise(found: Figures, pair: tuple[Arm, Arm], borrowed: Spread | None = None) -> SeedNoise:
    made = seed_noise(found, pair, borrowed)
    assert made is not None
    return made


def test_arms_that_scatter_alike_are_pooled_as_in_students_test() -> None:
    one, two = [0.61, 0.63, 0.64], [0.58, 0.6, 0.57, 0.605]
    made = noise(flat(*one, *two), arms(3, 4)).alone(float(np.mean(one) - np.mean(two)))
    reference = stats.ttest_ind(one, two)
    assert made.p_value() == pytest.approx(reference.pvalue)
    assert made.interval(0.05) == pytest.approx(tuple(reference.confidence_interval(0.95)))


def test_arms_that_do_not_are_welchs() -> None:
    one, two = [0.61, 0.6101, 0.6102], [0.50, 0.60, 0.70, 0.65]
    found = noise(flat(*one, *two), arms(3, 4))
    made = found.alone(float(np.mean(one) - np.mean(two)))
    reference = stats.ttest_ind(one, two, equal_var=False)
    assert made.p_value() == pytest.approx(reference.pvalue)
    assert made.freedom == pytest.approx(reference.df)
    assert found.source.endswith("unlike")


def test_a_fixed_arm_adds_no_seeds() -> None:
    one = [0.61, 0.63, 0.64]
    made = noise(flat(*one, 0.5), arms(3, 1, fixed=True))
    reference = stats.ttest_1samp(one, 0.5)
    assert made.alone(float(np.mean(one)) - 0.5).p_value() == pytest.approx(reference.pvalue)
    assert made.source == "seeds (3)"
    single = noise(flat(*one, 0.5), arms(3, 1))  # a training run of which there is only one has them too
    assert single.variance == pytest.approx(made.variance * 4)
    assert single.source == "seeds (3), taken for both"


def test_nothing_says_how_seeds_scatter() -> None:
    assert seed_noise(flat(0.6, 0.7), arms(1, 1), None) is None
    assert seed_noise(flat(0.6, 0.7), arms(1, 1, fixed=True), None) is None


def test_a_borrowed_spread_like_the_arms_own_narrows_what_is_needed() -> None:
    seeds = (0.60, 0.62, 0.64, 0.50, 0.52, 0.54)
    borrowed = Spread.of_values([0.70, 0.72, 0.74, 0.71, 0.73])
    alone, both = (noise(flat(*seeds), arms(3, 3), each).alone(0.1) for each in (None, borrowed))
    assert both.freedom == alone.freedom + 4
    assert both.half_width(0.05) < alone.half_width(0.05)


@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0, 3.0, 10.0])
def test_what_is_needed_is_never_less_than_the_arms_own_larger_spread(scale: float) -> None:
    """A calibration that scatters clearly less says nothing of arms that scatter more."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        values = rng.normal(size=6)
        own = Spread.pooled([Spread.of_values(list(values[:3])), Spread.of_values(list(values[3:]))], "")
        borrowed = Spread.of_values(list(scale * rng.normal(size=5)))
        made, without = (noise(flat(*values), arms(3, 3), each) for each in (borrowed, None))
        if own.exceeds(borrowed, 0.25):
            assert made.variance == pytest.approx(without.variance)
            assert made.source == without.source


def test_a_run_by_itself_takes_the_calibrations_spread() -> None:
    values = [0.70, 0.72, 0.74, 0.71, 0.73]
    made = noise(flat(0.6, 0.5), arms(1, 1), Spread.of_values(values))
    assert made.variance == pytest.approx(2 * np.var(values, ddof=1))
    assert made.source == "calibration of 5 runs"


def test_seeds_and_items_add_up_with_their_interaction_once() -> None:
    """Runs that differ by item noise alone: all variance between them is that of the items, which is there already."""
    rng = np.random.default_rng(2)
    found, pair = figures(rng.normal(size=(10, 400))), arms(5, 5)
    items = found.item_variance(*pair)
    total = noise(found, pair).with_items(0.0, items)
    assert total.error == pytest.approx(np.sqrt(items.value), rel=0.35)
    seeds = noise(figures(rng.normal(size=(10, 1)) + 0.01 * rng.normal(size=(10, 400))), pair)
    assert seeds.with_items(0.0, NO_ITEMS).error == pytest.approx(np.sqrt(seeds.variance))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_recipes_that_are_equal_are_rarely_told_apart(share: float) -> None:
    """Of the noise `share` is the seeds', the rest that of recipes' views of 60 items; three runs an arm."""
    rng = np.random.default_rng(4)
    studies, wrong = 1500, 0
    for _ in range(studies):
        views = np.sqrt(60 * (1 - share)) * rng.normal(size=(2, 60))
        runs = views.repeat(3, axis=0) + np.sqrt(3 * share) * rng.normal(size=(6, 1)) + 0.5 * rng.normal(size=(6, 60))
        found, pair = figures(runs), arms(3, 3)
        made = noise(found, pair).with_items(found.difference(*pair), found.item_variance(*pair))
        wrong += made.p_value() <= 0.05
    assert wrong / studies < 0.05 + 3 * np.sqrt(0.05 * 0.95 / studies)


def test_a_calibration_speaks_of_its_own_items_alone() -> None:
    floors = {"STSB": {"metric": "spearman", "items_sha256": "x", "values": [0.1, 0.3]},
              "SICKR": {"metric": "spearman", "items_sha256": "y", "values": [0.3, 0.5]}}  # fmt: skip
    known = {"id": 1, "floors": floors}
    assert calibrated_values(known, [("STSB", "spearman", "x")]) == [0.1, 0.3]
    both = [("STSB", "spearman", "x"), ("SICKR", "spearman", "y")]
    assert calibrated_values(known, both) == pytest.approx([0.2, 0.4])
    assert calibrated_values(known, [("STSB", "pearson", "x")]) is None
    assert calibrated_values(known, [("STSB", "spearman", "z")]) is None
    assert calibrated_values(None, [("STSB", "spearman", "x")]) is None
