"""Resamples of a task's items, seeded and in bounded memory, and what a statistic is on each. Knows no model and no store."""

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
class Resampled:
    """A task's figures by run: the estimate (runs,), on each resample (runs, draws), without each item (runs, n)."""

    estimate: Floats
    draws: Floats
    without: Floats


def resample(statistic: Statistic, items: int, draws: int, seed: int, stream: str, pause: Pause) -> Resampled:
    """The statistic on `draws` resamples of the items with replacement, the same ones for every run.

    `stream` (a task's name) gives tasks independent resamples under one seed. `pause` is called between batches.
    """
    rng = generator(seed, stream)
    drawn = [statistic(counts) for counts in _paused(resample_counts(rng, items, draws), pause)]
    left_out = [statistic(counts) for counts in _paused(_all_but_one(items), pause)]
    whole = statistic(np.ones((items, 1)))[:, 0]
    return Resampled(whole, np.concatenate(drawn, axis=1), np.concatenate(left_out, axis=1))


def generator(seed: int, stream: str) -> np.random.Generator:
    """A generator that depends on the seed and a name."""
    return np.random.default_rng([seed, int.from_bytes(hashlib.sha256(stream.encode()).digest()[:8], "big")])


def resample_counts(rng: np.random.Generator, items: int, draws: int) -> Iterator[Floats]:
    """How often each item is drawn: batches of (items, some draws), `draws` in all."""
    for size in _batches(items, draws):
        yield tally(rng.integers(0, items, size=(size, items), dtype=np.int32), items)


def tally(chosen: NDArray[np.int32], items: int) -> Floats:
    """(draws, size) drawn items as counts, (items, draws)."""
    draws = len(chosen)
    flat = chosen.T.astype(np.int64) * draws + np.arange(draws)
    counts: Floats = np.bincount(flat.ravel(), minlength=items * draws).reshape(items, draws).astype(np.float64)
    return counts


def _all_but_one(items: int) -> Iterator[Floats]:
    start = 0
    for size in _batches(items, items):
        counts = np.ones((items, size))
        counts[np.arange(start, start + size), np.arange(size)] = 0
        start += size
        yield counts


def _batches(items: int, draws: int) -> Iterator[int]:
    size = max(1, min(draws, CELLS // items))
    for start in range(0, draws, size):
        yield min(size, draws - start)


def _paused(batches: Iterator[Floats], pause: Pause) -> Iterator[Floats]:
    for batch in batches:
        pause()
        yield batch
