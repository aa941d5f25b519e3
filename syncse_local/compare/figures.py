"""A task's (or an average's) figures by run, and their combination into arms: the mean over training seeds.

Resampling has two levels: items, the same for every run, and within each arm its seeds. Knows no verdict and no store.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syncse_local.compare.bootstrap import Resampled, generator
from syncse_local.compare.intervals import Draws
from syncse_local.compare.statistics import Floats

ENOUGH = 0.95
"""The share of draws that must be defined."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Runs of one recipe. `rows` are their places in the figures; `chosen` (draws, seeds) the seeds drawn for each draw."""

    name: str
    rows: tuple[int, ...]
    chosen: NDArray[np.int64] | None

    @classmethod
    def of(cls, name: str, rows: Sequence[int], draws: int, seed: int) -> "Arm":
        """An arm with its seeds drawn, the same for all tasks: a training run is drawn whole."""
        if len(rows) < 2:
            return cls(name, tuple(rows), None)
        rng = generator(seed, f"seeds of {name}")
        return cls(name, tuple(rows), rng.integers(0, len(rows), size=(draws, len(rows))))


@dataclass(frozen=True, slots=True)
class Figures:
    """By run: the estimate (runs,), its draws (runs, draws), and the items' influence, (runs, n) for each set of items."""

    estimate: Floats
    draws: Floats
    influence: tuple[Floats, ...]

    @classmethod
    def of_task(cls, found: Resampled) -> "Figures":
        """One set of items; the influence is (n - 1) x (mean of the leave-one-out figures - each)."""
        n = found.without.shape[1]
        influence = (n - 1) * (found.without.mean(axis=1, keepdims=True) - found.without)
        return cls(found.estimate, found.draws, (influence,))

    @classmethod
    def average(cls, tasks: Sequence["Figures"]) -> "Figures":
        """The mean over tasks: every draw resamples each task's own items."""
        share = 1 / len(tasks)
        influence = tuple(share * part for task in tasks for part in task.influence)
        estimate, draws = (np.mean([getattr(task, name) for task in tasks], axis=0) for name in ("estimate", "draws"))
        return cls(estimate, draws, influence)

    def seeds(self, arm: Arm) -> list[float]:
        """The estimate of each of the arm's runs."""
        return [float(self.estimate[row]) for row in arm.rows]

    def score(self, arm: Arm, method: str) -> Draws | None:
        """The distribution of the arm's figure over items alone; None where it is undefined."""
        draws = self.draws[list(arm.rows)].mean(axis=0)
        return _distribution(float(np.mean(self.seeds(arm))), draws, self._influence(arm), method)

    def over_items(self, first: Arm, second: Arm, method: str) -> Draws | None:
        """The distribution of the first arm's figure less the second's, paired by items, for these very runs."""
        draws = self.draws[list(first.rows)].mean(axis=0) - self.draws[list(second.rows)].mean(axis=0)
        pairs = zip(self._influence(first), self._influence(second), strict=True)
        return _distribution(self._less(first, second), draws, [a - b for a, b in pairs], method)

    def over_both(self, first: Arm, second: Arm, method: str) -> Draws | None:
        """The same over items and training seeds: for other runs of these recipes on other items. BCa's jackknife has no
        place for seeds, so that with them the method is the percentile one."""
        if first.chosen is None and second.chosen is None:
            return self.over_items(first, second, method)
        draws = self._seed_draws(first) - self._seed_draws(second)
        return _distribution(self._less(first, second), draws, (), "percentile")

    def _seed_draws(self, arm: Arm) -> Floats:
        """(draws,) figures of the arm: items resampled, then seeds.

        Drawing k seeds with replacement gives their mean a variance of (k - 1) / k of what it should be; the deviation
        from the arm's mean is stretched by sqrt(k / (k - 1)) to make up for that.
        """
        runs = self.draws[list(arm.rows)]
        mean: Floats = runs.mean(axis=0)
        if arm.chosen is None:
            return mean
        k = len(arm.rows)
        drawn: Floats = np.take_along_axis(runs, arm.chosen.T, axis=0).mean(axis=0)
        stretched: Floats = mean + np.sqrt(k / (k - 1)) * (drawn - mean)
        return stretched

    def _less(self, first: Arm, second: Arm) -> float:
        return float(np.mean(self.seeds(first)) - np.mean(self.seeds(second)))

    def _influence(self, arm: Arm) -> list[Floats]:
        return [part[list(arm.rows)].mean(axis=0) for part in self.influence]


def _distribution(estimate: float, draws: Floats, influence: Sequence[Floats], method: str) -> Draws | None:
    if not np.isfinite(estimate) or np.isfinite(draws).mean() < ENOUGH:
        return None
    if method == "bca" and all(np.isfinite(part).all() for part in influence):
        return Draws.bca(draws, estimate, influence)
    return Draws.percentile(draws)
