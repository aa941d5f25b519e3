"""Percentile bootstrap of Spearman's rho over the pairs of a set (Efron 1979). Knows no encoder."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS, LEVEL = 1000, 0.95
"""Draws and level of the interval beside a dev figure: two digits of a bound, in a moment. A comparison draws 10,000."""
_CELLS = 1 << 22  # resampled numbers held at once


def spearman_draws(gold: NDArray[Any], predicted: NDArray[Any], seed: int, draws: int = DRAWS) -> NDArray[np.float64]:
    """(draws,) correlations, each over n pairs drawn with replacement from the n; NaN where a draw is constant."""
    generator, n = np.random.default_rng(seed), len(gold)
    step = max(1, _CELLS // max(1, n))
    found = []
    for start in range(0, draws, step):
        rows = generator.integers(0, n, (min(step, draws - start), n))
        found.append(_row_correlations(_ranks(gold[rows]), _ranks(predicted[rows])))
    return np.concatenate(found)


def interval(draws: NDArray[np.float64], level: float = LEVEL) -> tuple[float, float] | None:
    """The middle `level` of the draws; None where fewer than half of them are defined."""
    defined = draws[np.isfinite(draws)]
    if len(defined) * 2 < len(draws) or not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _ranks(values: NDArray[Any]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    ranked: NDArray[np.float64] = rankdata(values, axis=1)
    return ranked


def _row_correlations(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: NDArray[np.float64] = (a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return found
