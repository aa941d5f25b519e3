"""Intervals and p-values of a difference: percentile and BCa bootstrap (Efron and Tibshirani 1993, chapter 14), Student's t.

A p-value is the level at which the interval's end touches 0, so the two never disagree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import t as student

from syncse_local.compare.statistics import Floats

Interval = tuple[float, float]


class Distribution(Protocol):
    """What is known of a difference. `error` is its standard error."""

    @property
    def method(self) -> str:
        """Its name in tables."""

    @property
    def error(self) -> float:
        """In the metric's unit."""

    def interval(self, level: float) -> Interval:
        """The two-sided interval that leaves `level` (as 0.05) outside."""

    def p_value(self) -> float:
        """Two-sided."""


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

    @property
    def error(self) -> float:
        """The draws' standard deviation."""
        return float(self.values.std())

    def interval(self, level: float) -> Interval:
        """Quantiles of the draws."""
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
class Variance:
    """An estimated variance and its degrees of freedom."""

    value: float
    freedom: float

    @classmethod
    def total(cls, parts: "Sequence[Variance]") -> "Variance":
        """Of a sum of independent parts, with Satterthwaite's degrees of freedom (Welch 1947); 0 of none."""
        value = sum(part.value for part in parts)
        below = sum(part.value**2 / part.freedom for part in parts)
        return cls(value, value**2 / below if below > 0 else sum(part.freedom for part in parts))


@dataclass(frozen=True, slots=True)
class Student:
    """A difference with a standard error that has some degrees of freedom."""

    difference: float
    error: float
    freedom: float
    method: str = "t"

    def half_width(self, level: float) -> float:
        """Half of the interval that leaves `level` outside."""
        return float(student.ppf(1 - level / 2, self.freedom)) * self.error

    def interval(self, level: float) -> Interval:
        """Symmetric."""
        half = self.half_width(level)
        return self.difference - half, self.difference + half

    def p_value(self) -> float:
        """Two-sided."""
        if self.error == 0:
            return 1.0 if self.difference == 0 else 0.0
        return float(2 * student.sf(abs(self.difference) / self.error, self.freedom))
