"""Resamples of a task's items, seeded and in bounded memory, and what a statistic is on each. Knows no model and no store.

Items that share a sentence are drawn and left out together: a unit is such a cluster, or an item by itself.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syncse_local.compare.statistics import Floats, Statistic

CELLS = 1 << 17
"""Counts held at once (items x draws): 1 MiB of doubles, so that a batch stays in a core's cache."""

Pause = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Units:
    """What is drawn: `of` (items,) has the number of each item's unit, `count` the units there are."""

    of: NDArray[np.int64]
    count: int

    @classmethod
    def of_items(cls, items: int) -> "Units":
        """Each item by itself."""
        return cls(np.arange(items), items)

    @classmethod
    def of_clusters(cls, labels: NDArray[np.float64]) -> "Units":
        """Items with one label together."""
        distinct, of = np.unique(labels, return_inverse=True)
        return cls(of, len(distinct))

    @property
    def alone(self) -> bool:
        """Whether each item is a unit."""
        return self.count == len(self.of)

    @property
    def effective(self) -> float:
        """As many units of one size would have the same weight: n squared over the sum of the squared sizes (Kish 1965)."""
        sizes = np.bincount(self.of)
        return float(len(self.of) ** 2 / (sizes**2).sum())


@dataclass(frozen=True, slots=True)
class Resampled:
    """A task's figures by run: the estimate (runs,), on each resample (runs, draws), without each unit (runs, units)."""

    estimate: Floats
    draws: Floats
    without: Floats


def resample(statistic: Statistic, units: Units, draws: int, seed: int, stream: str, pause: Pause) -> Resampled:
    """The statistic on `draws` resamples of the units with replacement, the same ones for every run.

    `stream` (a task's name) gives tasks independent resamples under one seed. `pause` is called between batches.
    """
    rng = generator(seed, stream)
    drawn = [statistic(counts) for counts in _paused(resample_counts(rng, units, draws), pause)]
    left_out = [statistic(counts) for counts in _paused(_all_but_one(units), pause)]
    whole = statistic(np.ones((len(units.of), 1)))[:, 0]
    return Resampled(whole, np.concatenate(drawn, axis=1), np.concatenate(left_out, axis=1))


def generator(seed: int, stream: str) -> np.random.Generator:
    """A generator that depends on the seed and a name."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(stream.encode()).digest()[:8], "big")])


def resample_counts(rng: np.random.Generator, units: Units, draws: int) -> Iterator[Floats]:
    """How often each item is drawn: batches of (items, some draws), `draws` in all."""
    for size in batches(len(units.of), draws):
        counts = tally(rng.integers(0, units.count, size=(size, units.count), dtype=np.int32), units.count)
        yield counts if units.alone else counts[units.of]


def tally(chosen: NDArray[np.int32], count: int) -> Floats:
    """(draws, size) drawn units as counts, (count, draws)."""
    draws = len(chosen)
    flat = chosen.T.astype(np.int64) * draws + np.arange(draws)
    counts: Floats = np.bincount(flat.ravel(), minlength=count * draws).reshape(count, draws).astype(np.float64)
    return counts


def _all_but_one(units: Units) -> Iterator[Floats]:
    start = 0
    for size in batches(len(units.of), units.count):
        yield (units.of[:, None] != np.arange(start, start + size)).astype(np.float64)
        start += size


def batches(items: int, draws: int) -> Iterator[int]:
    """How many draws at a time, so that (items, draws) of each batch has at most `CELLS` cells."""
    size = max(1, min(draws, CELLS // items))
    for start in range(0, draws, size):
        yield min(size, draws - start)


def _paused(given: Iterator[Floats], pause: Pause) -> Iterator[Floats]:
    for batch in given:
        pause()
        yield batch
