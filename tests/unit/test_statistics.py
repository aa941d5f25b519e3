"""Every vectorised statistic is its metric, computed by the reference on each resample's own rows, ties and all."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score

from syncse_local.compare.bootstrap import Units, generator, resample, resample_counts, tally
from syncse_local.compare.statistics import statistic

Array = NDArray[Any]
RUNS, DRAWS = 3, 60


def resamples(items: int) -> NDArray[np.int32]:
    """(DRAWS, items) drawn places."""
    return np.random.default_rng(5).integers(0, items, size=(DRAWS, items), dtype=np.int32)


def expected(chosen: Array, reference: Callable[[int, Array], float]) -> Array:
    return np.array([[reference(run, rows) for rows in chosen] for run in range(RUNS)])


@pytest.mark.parametrize("decimals", [1, 8])
@pytest.mark.parametrize("metric", ["spearman", "pearson"])
def test_correlations(metric: str, decimals: int) -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 11, 45) / 2
    predicted = np.round(gold / 5 + rng.normal(size=(RUNS, 45)), decimals)  # one decimal: ties in the predictions too
    chosen = resamples(45)
    found = statistic(metric, [{"gold": gold, "spearman": run} for run in predicted])(tally(chosen, 45))
    reference = stats.spearmanr if metric == "spearman" else stats.pearsonr
    wanted = expected(chosen, lambda run, rows: reference(gold[rows], predicted[run][rows]).statistic)
    assert found == pytest.approx(wanted, abs=1e-10)


def test_a_mean_of_one_value_an_item_such_as_average_precision() -> None:
    values = np.random.default_rng(2).random((RUNS, 30))
    chosen = resamples(30)
    found = statistic("map", [{"map": run} for run in values])(tally(chosen, 30))
    assert found == pytest.approx(expected(chosen, lambda run, rows: float(values[run][rows].mean())), abs=1e-12)


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_classes(metric: str) -> None:
    rng = np.random.default_rng(3)
    gold = rng.integers(0, 2, 40, dtype=np.uint8)
    predicted = np.where(rng.random((RUNS, 40)) < 0.7, gold, 1 - gold).astype(np.uint8)
    chosen = resamples(40)
    found = statistic(metric, [{"gold": gold, "accuracy": run} for run in predicted])(tally(chosen, 40))
    reference = accuracy_score if metric == "accuracy" else f1_score
    wanted = expected(chosen, lambda run, rows: float(reference(gold[rows], predicted[run][rows])))
    assert found == pytest.approx(wanted, abs=1e-12)


def test_a_correlation_is_undefined_where_a_resample_is_constant() -> None:
    counts = np.array([[3.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    found = statistic("spearman", [{"gold": np.array([1.0, 2.0, 3.0]), "spearman": np.array([0.1, 0.2, 0.3])}])(counts)
    assert np.isnan(found[0, 0])
    assert found[0, 1] == pytest.approx(1)


def test_the_jackknife_leaves_each_item_out_and_the_estimate_none() -> None:
    rng = np.random.default_rng(4)
    gold, predicted = rng.random(12), rng.random(12)
    found = resample(
        statistic("spearman", [{"gold": gold, "spearman": predicted}]), Units.of_items(12), 10, 1, "a", lambda: None
    )
    wanted = [stats.spearmanr(np.delete(gold, at), np.delete(predicted, at)).statistic for at in range(12)]
    assert found.without[0] == pytest.approx(np.array(wanted), abs=1e-12)
    assert found.estimate[0] == pytest.approx(stats.spearmanr(gold, predicted).statistic)


def test_resamples_are_repeatable_independent_by_task_and_whole() -> None:
    def drawn(seed: int, stream: str) -> Array:
        return np.concatenate(list(resample_counts(generator(seed, stream), Units.of_items(7), 50)), axis=1)

    assert (drawn(1, "STS12") == drawn(1, "STS12")).all()
    assert (drawn(1, "STS12") != drawn(1, "STS13")).any()
    assert (drawn(1, "STS12") != drawn(2, "STS12")).any()
    assert (drawn(1, "STS12").sum(axis=0) == 7).all()


def test_items_of_a_cluster_are_drawn_and_left_out_together() -> None:
    units = Units.of_clusters(np.array([7.0, 3.0, 7.0, 1.0, 3.0, 7.0]))
    assert (units.count, units.alone) == (3, False)
    assert units.effective == pytest.approx(36 / 14)  # sizes 3, 2 and 1
    drawn = np.concatenate(list(resample_counts(generator(1, "a"), units, 40)), axis=1)
    assert (drawn[0] == drawn[2]).all()
    assert (drawn[1] == drawn[4]).all()
    assert (drawn[[0, 1, 3]].sum(axis=0) == 3).all()
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    without = resample(statistic("map", [{"map": values}]), units, 5, 1, "a", lambda: None).without[0]
    assert sorted(without) == pytest.approx(
        sorted([np.mean([2, 4, 5]), np.mean([1, 3, 4, 6]), np.mean([1, 2, 3, 5, 6])])
    )
