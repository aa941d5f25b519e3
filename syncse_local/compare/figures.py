"""A task's (or an average's) figures by run, and their combination into arms: the mean over runs.

An arm's figure is spread out over the units of its items: a value a unit, whose mean is the figure. Those of a mean are its
items' own; those of a correlation are the jackknife's pseudo-values (Tukey 1958). Knows no verdict and no store.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from syncse_local.compare.bootstrap import Resampled
from syncse_local.compare.intervals import Draws, Variance
from syncse_local.compare.statistics import Floats

ENOUGH = 0.95
"""The share of draws that must be defined."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Runs of one recipe, by their places in the figures; or, `fixed`, one encoder that no training of ours made."""

    name: str
    rows: tuple[int, ...]
    fixed: bool = False

    @classmethod
    def of(cls, name: str, rows: Iterable[int], fixed: bool = False) -> "Arm":
        """An arm of any iterable of places."""
        return cls(name, tuple(rows), fixed)


@dataclass(frozen=True, slots=True)
class Figures:
    """By run: the estimate (runs,) and its draws (runs, draws); for each set of items the units' values (runs, units), which
    add up to the estimate as the sum over sets of their means, and how many units of one size there would be."""

    estimate: Floats
    draws: Floats
    values: tuple[Floats, ...]
    units: tuple[float, ...]

    @classmethod
    def of_task(cls, found: Resampled, effective: float | None = None) -> "Figures":
        """One set of items."""
        units = found.without.shape[1]
        around = (units - 1) * (found.without.mean(axis=1, keepdims=True) - found.without)
        values = found.estimate[:, None] + around
        return cls(found.estimate, found.draws, (values,), (float(effective or units),))

    @classmethod
    def average(cls, tasks: Sequence["Figures"]) -> "Figures":
        """The mean over tasks: every draw resamples each task's own items."""
        share = 1 / len(tasks)
        values = tuple(share * part for task in tasks for part in task.values)
        estimate, draws = (np.mean([getattr(task, name) for task in tasks], axis=0) for name in ("estimate", "draws"))
        return cls(estimate, draws, values, tuple(count for task in tasks for count in task.units))

    def of(self, arm: Arm) -> list[float]:
        """The estimate of each of the arm's runs."""
        return [float(self.estimate[row]) for row in arm.rows]

    def score(self, arm: Arm, method: str) -> Draws | None:
        """The distribution of the arm's figure over items; None where it is undefined."""
        draws = self.draws[list(arm.rows)].mean(axis=0)
        return _distribution(float(np.mean(self.of(arm))), draws, self._values(arm), method)

    def difference(self, first: Arm, second: Arm) -> float:
        """The first arm's figure less the second's."""
        return float(np.mean(self.of(first)) - np.mean(self.of(second)))

    def over_items(self, first: Arm, second: Arm, method: str) -> Draws | None:
        """The bootstrap distribution of the difference, paired by items, for these very runs."""
        return _distribution(
            self.difference(first, second), self._drawn(first, second), self.paired(first, second), method
        )

    def paired(self, first: Arm, second: Arm) -> list[Floats]:
        """The difference spread out over units, (units,) for each set of items."""
        return [a - b for a, b in zip(self._values(first), self._values(second), strict=True)]

    def item_variance(self, first: Arm, second: Arm) -> Variance:
        """That of the difference over other items of this kind, with its degrees of freedom; the draws' own where leaving one
        unit out leaves no figure."""
        parts = [
            Variance(float(part.var(ddof=1)) / len(part), max(count - 1, 1.0))
            for part, count in zip(self.paired(first, second), self.units, strict=True)
        ]
        found = Variance.total(parts)
        if np.isfinite(found.value):
            return found
        drawn = self._drawn(first, second)
        return Variance(float(np.nanvar(drawn)), max(min(self.units) - 1, 1.0))

    def _drawn(self, first: Arm, second: Arm) -> Floats:
        drawn: Floats = self.draws[list(first.rows)].mean(axis=0) - self.draws[list(second.rows)].mean(axis=0)
        return drawn

    def _values(self, arm: Arm) -> list[Floats]:
        return [part[list(arm.rows)].mean(axis=0) for part in self.values]


def _distribution(estimate: float, draws: Floats, values: Sequence[Floats], method: str) -> Draws | None:
    if not np.isfinite(estimate) or np.isfinite(draws).mean() < ENOUGH:
        return None
    if method == "bca" and all(np.isfinite(part).all() for part in values):
        return Draws.bca(draws, estimate, [part - part.mean() for part in values])
    return Draws.percentile(draws)
