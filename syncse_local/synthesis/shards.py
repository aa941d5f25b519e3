"""Slices of a plan: one shard of several, the rows of one generator of several. Knows rows by their names and places only.

What is taken follows from a row's own content: slices are disjoint, and all together are the plan.
"""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from syncse_local.specs.generate import GenerateSpec
from syncse_local.synthesis.generators import Generator, named_generator
from syncse_local.text.toml import refuse

MOST_SHARDS = 100_000
"""A guard against a number typed wrongly: more shards than rows would do nothing but wait in a queue."""
_SHARD = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


class Shard(NamedTuple):
    """Shard `number` of `of`, counted from 1."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read `2/8`. Raises SyncseError (USAGE) for anything else, and for a shard that there is not."""
        found = _SHARD.fullmatch(text.strip())
        shard = cls(*map(int, found.groups())) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.of <= MOST_SHARDS:
            detail = f"{text!r} names no part of a whole."
            refuse("Bad shard", detail, "Write --shard I/N with I from 1 to N, as in --shard 1/8 to --shard 8/8.")
        return shard

    def takes(self, place: float) -> bool:
        """Whether the shard has a row that lies at `place`, from 0 to 1, among its role's contexts.

        A shard is an interval, so that it has whole contexts, but for those at its ends, and not a bit of each.
        """
        return min(int(place * self.of), self.of - 1) == self.number - 1


ALL = Shard()


@dataclass(frozen=True, slots=True)
class PlanSlice:
    """What a run plans of the whole: one shard, and of several generators' rows those of number `generator`."""

    shard: Shard = ALL
    generator: int = 0
    bounds: tuple[float, ...] = ()
    """The generators' cumulated weights; empty where there is one."""

    @classmethod
    def of(cls, spec: GenerateSpec, generators: Sequence[Generator]) -> "PlanSlice":
        """The slice that a run's `shard` and `generator` name. Raises SyncseError (USAGE)."""
        shard = Shard.parse(spec.shard or "1/1")
        if len(generators) < 2 or not spec.generator:
            return cls(shard)
        chosen = named_generator(generators, spec.generator)
        total = sum(g.weight for g in generators)
        return cls(shard, generators.index(chosen), tuple(accumulate(g.weight / total for g in generators)))

    @property
    def whole(self) -> bool:
        """Whether nothing is left to other runs."""
        return self.shard.of == 1 and not self.bounds

    @property
    def share(self) -> float:
        """The share of the whole plan that this is, in expectation."""
        before = self.bounds[self.generator - 1] if self.generator else 0.0
        return (self.bounds[self.generator] - before if self.bounds else 1.0) / self.shard.of

    def takes(self, seed: int, name: str, sample: int, place: float) -> bool:
        """Whether a triplet, or a call for sentences, is in this slice.

        `name` is the sentence's key or the call's; `place` where its first request lies among the contexts.
        """
        return self.shard.takes(place) and (not self.bounds or self._generator(seed, name, sample) == self.generator)

    def _generator(self, seed: int, name: str, sample: int) -> int:
        text = f"generator\x1f{seed}\x1f{name}\x1f{sample}".encode("utf-8", "surrogatepass")
        drawn = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") / 2**64
        return min(bisect_right(self.bounds, drawn), len(self.bounds) - 1)


WHOLE = PlanSlice()
