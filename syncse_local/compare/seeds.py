"""How far training seeds set the figures of one recipe apart, and what that does to the difference of two arms.

An arm's own runs say it, other arms' and a calibration's do where they are like them. Knows no verdict and no store.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np
from scipy.stats import f as fisher

from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.intervals import Student, Variance

UNLIKE = 0.05
"""Two arms whose spreads an F-test finds unequal at this level, on either side, keep their own (Welch): pooled, spreads three
to one err 8 times in 100 with three seeds each. The same for arms that scatter less than what they would borrow."""
LARGER = 0.25
"""Bancroft's level for pooling after a test (Bancroft and Han 1983): arms that scatter more than what they would borrow, if
only at this level, borrow nothing. Pooled at 0.05 they err 7 times in 100."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance of a run's figure over seeds on these items, with its degrees of freedom. `interaction` is the part of it
    that other items would change: the seeds' and the items' doing together, which the variance over items holds as well."""

    variance: float
    freedom: float
    interaction: float
    source: str

    @classmethod
    def of(cls, figures: Figures, rows: Sequence[int], source: str) -> "Spread | None":
        """Between these runs; None for fewer than two, or where one has no figure."""
        values = figures.estimate[list(rows)]
        if len(rows) < 2 or not np.isfinite(values).all():
            return None
        interaction = 0.0
        for part in figures.values:
            own = part[list(rows)]
            units = own.shape[1]
            left = own - own.mean(axis=0) - own.mean(axis=1, keepdims=True) + own.mean()
            interaction += float((left**2).sum()) / ((len(rows) - 1) * (units - 1) * units) if units > 1 else 0.0
        variance = float(values.var(ddof=1))
        return cls(variance, len(rows) - 1, interaction if math.isfinite(interaction) else 0.0, source)

    @classmethod
    def of_values(cls, values: Sequence[float]) -> "Spread":
        """Between figures without predictions: all of it counts as the seeds'."""
        return cls(float(np.var(values, ddof=1)), len(values) - 1, 0.0, f"calibration of {len(values)} runs")

    @classmethod
    def pooled(cls, spreads: "Sequence[Spread]", source: str) -> "Spread":
        """Weighted by their degrees of freedom; of none, 0 with none."""
        freedom = sum(each.freedom for each in spreads)
        variance, interaction = (
            sum(getattr(each, name) * each.freedom for each in spreads) / max(freedom, 1)
            for name in ("variance", "interaction")
        )
        return cls(variance, freedom, interaction, source)

    def exceeds(self, other: "Spread", level: float) -> bool:
        """Whether an F-test finds this variance the larger one, one-sided."""
        if other.variance == 0:
            return self.variance > 0
        return bool(fisher.sf(self.variance / other.variance, self.freedom, other.freedom) < level)


@dataclass(frozen=True, slots=True)
class SeedNoise:
    """What seeds add to the variance of a difference: independent parts, and the interaction that is among them."""

    parts: tuple[Variance, ...]
    interaction: float
    source: str

    @property
    def variance(self) -> float:
        """Of the difference, for other seeds on these items."""
        return sum(part.value for part in self.parts)

    def alone(self, difference: float) -> Student:
        """What the seeds alone say of the difference: Student's t, or Welch's where the arms keep their own spreads."""
        return Student(difference, math.sqrt(self.variance), Variance.total(self.parts).freedom)

    def with_items(self, difference: float, items: Variance) -> Student:
        """For other seeds and other items: the variances add up, the interaction once, no part below 0.

        The degrees of freedom are Satterthwaite's with each part of the seeds' taken 1 + 2 / f times as large: a variance
        that came out small by chance would lend itself freedom (k = 2: 7 % errors without, 5.6 % with it).
        """
        rest, wide = max(items.value - self.interaction, 0.0), [p.value * (1 + 2 / p.freedom) for p in self.parts]
        total = rest + max(self.variance, self.interaction)
        among = rest + max(sum(wide), self.interaction)
        below = items.value**2 / items.freedom + sum(v**2 / p.freedom for v, p in zip(wide, self.parts, strict=True))
        most = items.freedom + sum(part.freedom for part in self.parts)
        return Student(difference, math.sqrt(total), min(among**2 / below, most) if below > 0 else most)


def seed_noise(figures: Figures, pair: tuple[Arm, Arm], borrowed: Spread | None) -> SeedNoise | None:
    """Of two arms, at least one of them trained; None where nothing says how seeds scatter.

    Both arms have one variance, pooled over their runs and over what is borrowed, unless an F-test finds them unlike: then
    each has its own. The arms do not borrow where they scatter more by themselves, or clearly less.
    """
    trained = [arm for arm in pair if not arm.fixed]
    own = {arm: spread for arm in trained if (spread := Spread.of(figures, arm.rows, ""))}
    mine = Spread.pooled(list(own.values()), f"seeds ({' and '.join(str(len(arm.rows)) for arm in own)})")
    complete = len(own) == len(trained)
    if complete and _unlike(list(own.values())):
        parts = tuple(Variance(spread.variance / len(arm.rows), spread.freedom) for arm, spread in own.items())
        return SeedNoise(parts, sum(s.interaction / len(arm.rows) for arm, s in own.items()), f"{mine.source}, unlike")
    used = _used(mine if own else None, borrowed, complete)
    if not used:
        return None
    source = " and ".join(spread.source for spread in used) + (
        ", taken for both" if used == [mine] and not complete else ""
    )
    taken, share = Spread.pooled(used, source), sum(1 / len(arm.rows) for arm in trained)
    return SeedNoise((Variance(taken.variance * share, taken.freedom),), taken.interaction * share, source)


def _unlike(spreads: Sequence[Spread]) -> bool:
    return len(spreads) == 2 and any(a.exceeds(b, UNLIKE) for a, b in (spreads, spreads[::-1]))


def _used(mine: Spread | None, borrowed: Spread | None, complete: bool) -> list[Spread]:
    """The arms' own spread, the borrowed one, or both. `complete`: no arm has to borrow."""
    if mine is None or borrowed is None:
        return [spread for spread in (mine, borrowed) if spread]
    alone = mine.exceeds(borrowed, LARGER) or (complete and borrowed.exceeds(mine, UNLIKE))
    return [mine] if alone else [mine, borrowed]


def calibrated_values(
    calibration: Mapping[str, Any] | None, tasks: Sequence[tuple[str, str, str]]
) -> list[float] | None:
    """The mean over (task, metric, items' hash) of each calibration run; None where one was not measured on these items."""
    columns = []
    for task, metric, items in tasks:
        found = (calibration or {}).get("floors", {}).get(task)
        if not found or (found["metric"], found["items_sha256"]) != (metric, items):
            return None
        columns.append(found["values"])
    return [fmean(row) for row in zip(*columns, strict=True)]
