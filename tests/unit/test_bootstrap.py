"""The bootstrap interval: scipy's correlation of the same resamples, repeatable, and none where there is nothing to say."""

import numpy as np
import pytest
from scipy import stats

from syncse_local.training.bootstrap import interval, spearman_draws


def test_each_draw_is_scipys_spearman_of_its_resample() -> None:
    rng = np.random.default_rng(3)
    gold = rng.integers(0, 6, 40) / 1.0  # many ties
    predicted = gold + rng.normal(size=40) * 2
    draws = spearman_draws(gold, predicted, seed=7, draws=25)
    rows = np.random.default_rng(7).integers(0, 40, (25, 40))
    wanted = [stats.spearmanr(gold[row], predicted[row]).statistic for row in rows]
    assert draws == pytest.approx(np.array(wanted), abs=1e-12)
    assert (draws == spearman_draws(gold, predicted, seed=7, draws=25)).all()
    assert (draws != spearman_draws(gold, predicted, seed=8, draws=25)).any()


def test_the_interval_is_about_that_of_fishers_transformation() -> None:
    rng = np.random.default_rng(0)
    gold = rng.normal(size=1500)
    predicted = 0.7 * gold + rng.normal(size=1500) * 0.7
    rho = float(stats.spearmanr(gold, predicted).statistic)
    found = interval(spearman_draws(gold, predicted, seed=1))
    assert found is not None
    spread = 1.96 * np.sqrt((1 + rho**2 / 2) / (1500 - 3))  # Bonett and Wright 2000
    wanted = np.tanh(np.arctanh(rho) - spread), np.tanh(np.arctanh(rho) + spread)
    assert found == pytest.approx(wanted, abs=0.008)


def test_no_interval_where_resamples_are_constant() -> None:
    assert interval(spearman_draws(np.ones(5), np.arange(5.0), seed=1)) is None
    assert interval(spearman_draws(np.array([0.0, 1.0]), np.array([0.0, 1.0]), seed=1, draws=9)) in (None, (1.0, 1.0))
