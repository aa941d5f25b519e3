"""The paired permutation test of a mean: if nothing tells two encoders apart, each item's difference might as well have the
other sign (Fisher 1935). Knows no encoder and no store.

Shifting all differences until the test no longer rejects gives an interval. Flipping the items of a subset turns the scale
just where their own mean lies, so that the interval's ends are quantiles of subsets' means (Hartigan 1969).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from syncse_local.compare.bootstrap import Pause, batches, generator
from syncse_local.compare.intervals import Interval
from syncse_local.compare.statistics import Floats

Signs = NDArray[np.bool_]
WIDEST = 1.0
"""Where subsets are too few for an end, it lies here: no two means of figures from 0 to 1 are further apart."""
ROUNDING = 1e-12
"""Sums closer to 0 than this share of all are 0: equal subsets must tie whatever the order of addition."""


@dataclass(frozen=True, slots=True)
class SignFlip:
    """`means` are the sorted means of the flipped subsets; `flips` is how many ways of flipping the test counts, the one that
    was seen among them. `error` is the standard error of the difference, `differing` how many items are not 0."""

    means: Floats
    flips: float
    seen: int
    differing: int
    error: float
    method: str = "sign flips"

    @classmethod
    def of(
        cls, sets: Sequence[Floats], error: float, draws: int, seed: int, stream: str, pause: Pause = lambda: None
    ) -> "SignFlip":
        """Of a difference that is the sum over sets of the mean of their items' values.

        All 2^m ways for m items that are not 0 where these are no more than `draws`, else `draws` random ones and, as was
        seen, none flipped (the 1 in Davison and Hinkley's p, 1997).
        """
        weights = np.concatenate([np.full(len(values), 1 / len(values)) for values in sets])
        given = np.concatenate(list(sets)) * weights
        given[np.abs(given) <= ROUNDING * np.abs(given).sum()] = 0
        scale = weights / len(sets)
        rng, differing = generator(seed, f"signs of {stream}"), np.flatnonzero(given)
        exact = 2 ** min(len(differing), 60) <= draws
        found = []
        for signs in _all(rng, len(given), differing, draws) if exact else _some(rng, len(given), draws):
            pause()
            found.append(_means(signs, given, scale))
            if not exact:
                found.append(_means(~signs, given, scale))
        means = np.sort(np.concatenate(found))
        flips, seen = (len(means) / 2, 0) if exact else (draws + 1, 1)
        return cls(means, flips, seen, len(differing), error)

    @property
    def least(self) -> float:
        """The smallest p that these items can reach."""
        return 1.0 if self.differing == 0 else max(2.0 ** (1 - self.differing), self.seen / self.flips)

    def p_value(self) -> float:
        """Two-sided."""
        ends = np.searchsorted(self.means, [0.0], "right")[0], np.searchsorted(self.means, [0.0], "left")[0]
        below, above = int(ends[0]), len(self.means) - int(ends[1])
        return float(min(1.0, (self.seen + min(below, above)) / self.flips))

    def interval(self, level: float) -> Interval:
        """All shifts that the test does not reject at the level."""
        spare = int(level * self.flips + ROUNDING) - self.seen
        if spare < 0:
            return -WIDEST, WIDEST
        return max(-WIDEST, float(self.means[spare])), min(WIDEST, float(self.means[-1 - spare]))


def _all(rng: np.random.Generator, items: int, differing: NDArray[np.int64], draws: int) -> Iterator[Signs]:
    """Every way of flipping those that are not 0, about `draws` in all; the others, which shape the interval, at random."""
    ways = 2 ** len(differing)
    places = np.arange(len(differing))
    start = 0
    for size in batches(items, ways * ceil(draws / ways)):
        signs = _bits(rng, size, items)
        signs[:, differing] = ((start + np.arange(size))[:, None] >> places) & 1 == 1
        start += size
        yield signs


def _some(rng: np.random.Generator, items: int, draws: int) -> Iterator[Signs]:
    for size in batches(items, draws):
        yield _bits(rng, size, items)


def _bits(rng: np.random.Generator, draws: int, items: int) -> Signs:
    drawn = np.frombuffer(rng.bytes(draws * ceil(items / 8)), dtype=np.uint8).reshape(draws, -1)
    return np.unpackbits(drawn, axis=1, count=items).astype(np.bool_)


def _means(flipped: Signs, given: Floats, scale: Floats) -> Floats:
    """Each subset's mean; of an empty one 0, which counts on both sides as what was seen does."""
    sums, weights = (flipped.astype(np.float64) @ np.stack([given, scale], axis=1)).T
    sums[np.abs(sums) <= ROUNDING * np.abs(given).sum()] = 0
    found: Floats = np.divide(sums, weights, out=np.zeros(len(sums)), where=weights > 0)
    return found
