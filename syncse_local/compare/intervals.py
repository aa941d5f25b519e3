"""Intervals and p-values from draws: percentile, BCa (Efron and Tibshirani 1993, chapter 14), Welch's t, and Holm's step-down.

A p-value is the level at which the interval's end touches 0, so the two never disagree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import t as student

from syncse_local.compare.statistics import Floats

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Draws:
    """A quantity's bootstrap distribution; `bias` and `acceleration` are 0 for the percentile method."""

    values: Floats
    bias: float = 0.0
    acceleration: float = 0.0
    method: str = "percentile"

    @classmethod
    def percentile(cls, values: Floats) -> "Draws":
        """Sorted draws, undefined ones left out."""
        return cls(np.sort(values[np.isfinite(values)]))

    @classmethod
    def bca(cls, values: Floats, estimate: float, influence: Sequence[Floats]) -> "Draws":
        """With BCa's corrections; `influence` has, for each independent set of n items, (n - 1) x (mean of the
        leave-one-out values - each of them)."""
        kept = np.sort(values[np.isfinite(values)])
        return cls(kept, float(ndtri(_share_below(kept, estimate))), acceleration(influence), "bca")

    def interval(self, level: float) -> Interval:
        """The two-sided interval that leaves `level` (as 0.05) outside."""
        ends = [self._quantile_of(ndtri(tail)) for tail in (level / 2, 1 - level / 2)]
        low, high = np.quantile(self.values, ends)
        return float(low), float(high)

    def p_value(self) -> float:
        """Two-sided: twice the tail at which the interval ends at 0; never below what the number of draws can show."""
        if self.values[0] == self.values[-1]:
            return 1.0 if self.values[0] == 0 else 2 / (len(self.values) + 1)
        shift = ndtri(_share_below(self.values, 0.0)) - self.bias
        scale = 1 + self.acceleration * shift
        if scale <= 0:  # outside of BCa's range: no level puts the end at 0
            return 2 / (len(self.values) + 1)
        tail = float(ndtr(shift / scale - self.bias))
        return min(1.0, max(2 * min(tail, 1 - tail), 2 / (len(self.values) + 1)))

    def _quantile_of(self, z: float) -> float:
        moved = self.bias + z
        scale = 1 - self.acceleration * moved
        if scale <= 0:  # outside of BCa's range: the end is the last draw on that side
            return float(self.acceleration > 0)
        return float(ndtr(self.bias + moved / scale))


def acceleration(influence: Sequence[Floats]) -> float:
    """BCa's acceleration over independent sets of items; 0 where no item has any influence."""
    cubes = sum(float((part**3).sum()) / len(part) ** 3 for part in influence)
    squares = sum(float((part**2).sum()) / len(part) ** 2 for part in influence)
    return cubes / (6 * squares**1.5) if squares > 0 else 0.0


def _share_below(ordered: Floats, value: float) -> float:
    """The share of draws below a value, ties half, kept off 0 and 1 by half a draw."""
    left, right = np.searchsorted(ordered, value, "left"), np.searchsorted(ordered, value, "right")
    return float((left + right) / 2 + 0.5) / (len(ordered) + 1)


@dataclass(frozen=True, slots=True)
class Welch:
    """Welch's t for the difference of two means: what the seeds alone say. Raises nothing; see `welch`."""

    difference: float
    error: float
    freedom: float

    def half_width(self, level: float) -> float:
        """Half of the interval that leaves `level` outside."""
        return float(student.ppf(1 - level / 2, self.freedom)) * self.error

    def p_value(self) -> float:
        """Two-sided."""
        if self.error == 0:
            return 1.0 if self.difference == 0 else 0.0
        return float(2 * student.sf(abs(self.difference) / self.error, self.freedom))


def welch(first: Sequence[float], second: Sequence[float]) -> Welch | None:
    """Welch's t of two arms' figures; None where an arm has fewer than two."""
    if min(len(first), len(second)) < 2:
        return None
    parts = [float(np.var(values, ddof=1)) / len(values) for values in (first, second)]
    error = math.sqrt(sum(parts))
    below = sum(part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True))
    freedom = sum(parts) ** 2 / below if below > 0 else float(len(first) + len(second) - 2)
    return Welch(float(np.mean(first) - np.mean(second)), error, freedom)


@dataclass(frozen=True, slots=True)
class Held:
    """What Holm's procedure says of one hypothesis: its adjusted p, whether it is rejected, and at which level it was tried."""

    adjusted: float
    rejected: bool
    level: float


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[Held]:
    """Holm (1979): the smallest p is tried at alpha / m, the next at alpha / (m - 1), until one is kept; the rest with it.

    Equal ones are tried at one level, so that their order says nothing. Kept hypotheses have the level at which the
    procedure ended.
    """
    found: dict[float, Held] = {}
    adjusted, level, going = 0.0, alpha, True
    for p in sorted(set(p_values)):
        left = sum(other >= p for other in p_values)
        adjusted = min(1.0, max(adjusted, left * p))
        level = alpha / left if going else level
        going = going and adjusted <= alpha
        found[p] = Held(adjusted, going, level)
    return [found[p] for p in p_values]
