"""A study: arms on tasks, every pair compared, Holm over all of them, verdicts and tiers, as JSON data. Knows no store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import stdev
from typing import Any

import numpy as np

from syncse_local.compare.bootstrap import Pause, resample
from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.floors import Floor, calibrated_values, floor
from syncse_local.compare.intervals import Draws, Held, holm, welch
from syncse_local.compare.statistics import Columns, statistic
from syncse_local.compare.verdicts import BETTER, CANNOT_TELL, WORSE, margin, tiers, verdict

ALPHA = 0.05
FEW = 5
"""Draws beyond an interval's end, under which the end is said to rest on too few."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a study is done: bootstrap draws, their seed, and the method of intervals over items."""

    draws: int = 10_000
    seed: int = 1
    method: str = "bca"


@dataclass(frozen=True, slots=True)
class TaskRuns:
    """A task's predictions by run, all of the same items; `undefined` are the places of runs that have no figure."""

    task: str
    metric: str
    unit: str
    items: int
    items_sha256: str
    columns: Sequence[Columns]
    undefined: Mapping[int, str] = field(default_factory=dict)

    def figures(self, setting: Setting, pause: Pause) -> Figures:
        """The runs' figures on the task's resamples."""
        found = resample(
            statistic(self.metric, self.columns), self.items, setting.draws, setting.seed, self.task, pause
        )
        for row in self.undefined:
            for values in (found.estimate, found.draws, found.without):
                values[row] = np.nan
        return Figures.of_task(found)

    @property
    def key(self) -> tuple[str, str, str]:
        """What a calibration must have measured to speak of this task."""
        return self.task, self.metric, self.items_sha256


@dataclass(frozen=True, slots=True)
class Row:
    """A task or an average, with the figures of all runs."""

    name: str
    metric: str
    unit: str
    items: int
    tasks: Sequence[TaskRuns]
    figures: Figures
    average: bool = False

    def why(self, arm: Arm) -> list[str]:
        """Why the arm has no figure."""
        return sorted({task.undefined[row] for task in self.tasks for row in arm.rows if row in task.undefined})


@dataclass(frozen=True, slots=True)
class Noise:
    """What a difference is held against: its distribution over items and seeds, that over items alone, and the floor."""

    both: Draws
    items: Draws
    floor: Floor | None


def study(
    arms: Sequence[Arm], rows: Sequence[Row], setting: Setting, calibration: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Every row's scores, differences, verdicts and tiers. `calibration` as `store.calibrations` gives it, or None."""
    found = [{**_described(row), "scores": [_score(row, arm, setting) for arm in arms]} for row in rows]
    pairs = list(combinations(arms, 2))
    tried: list[tuple[dict[str, Any], Noise]] = []
    for entry, row in zip(found, rows, strict=True):
        entry["comparisons"] = []
        for pair in pairs:
            comparison, noise = _comparison(row, pair, setting, calibration)
            entry["comparisons"].append(comparison)
            tried += [(comparison, noise)] if noise else []
    held = holm([comparison["p"] for comparison, _ in tried], ALPHA)
    for (comparison, noise), said in zip(tried, held, strict=True):
        _judge(comparison, noise, said)
    for entry in found:
        entry["tiers"] = _tiers(entry)
    few = [said.level for said in held if said.level / 2 * setting.draws < FEW]
    return {"rows": found, "family": len(tried), "alpha": ALPHA, "notes": _few(min(few), setting.draws) if few else []}


def _few(level: float, draws: int) -> list[str]:
    need = int(np.ceil(2 * FEW / level / 1000) * 1000)
    return [f"the corrected intervals rest on fewer than {FEW} of {draws} draws an end: use --draws {need} or more"]


def _described(row: Row) -> dict[str, Any]:
    about = {"name": row.name, "metric": row.metric, "unit": row.unit, "items": row.items}
    return {**about, "average": row.average, "tasks": [task.task for task in row.tasks]}


def _score(row: Row, arm: Arm, setting: Setting) -> dict[str, Any]:
    """The arm's mean over its runs, the interval over items for these runs, and the spread over seeds by itself."""
    values = row.figures.seeds(arm)
    draws = row.figures.score(arm, setting.method)
    return {
        "arm": arm.name,
        "value": _number(float(np.mean(values))),
        "interval": draws.interval(ALPHA) if draws else None,
        "method": draws.method if draws else None,
        "seeds": [_number(value) for value in values],
        "seed_sd": _number(stdev(values)) if len(values) > 1 and np.isfinite(values).all() else None,
        "why_undefined": row.why(arm),
    }


def _comparison(
    row: Row, pair: tuple[Arm, Arm], setting: Setting, calibration: Mapping[str, Any] | None
) -> tuple[dict[str, Any], Noise | None]:
    """The pair's difference: over items, over seeds, and over both, which is what is judged; not judged yet."""
    first, second = pair
    made: dict[str, Any] = {"first": first.name, "second": second.name, "verdict": CANNOT_TELL, "notes": []}
    by_items = row.figures.over_items(first, second, setting.method)
    draws = row.figures.over_both(first, second, setting.method)
    if draws is None or by_items is None:
        why = [f"{arm.name}: {reason}" for arm in pair for reason in row.why(arm)]
        made["notes"] = why or ["undefined on too many resamples"]
        return {**made, "difference": None}, None
    seeds = [row.figures.seeds(arm) for arm in pair]
    by_seeds = welch(*seeds)
    noise = floor(calibrated_values(calibration, [task.key for task in row.tasks]), *seeds)
    made |= {
        "difference": float(np.mean(seeds[0]) - np.mean(seeds[1])),
        "interval": draws.interval(ALPHA),
        "method": draws.method,
        "p": max(draws.p_value(), by_seeds.p_value()) if by_seeds else draws.p_value(),
        "items_only": {"interval": by_items.interval(ALPHA), "method": by_items.method, "p": by_items.p_value()},
        "seeds_t": _t_interval(by_seeds) if by_seeds else None,
        "floor": {"value": noise.value, "source": noise.source} if noise else None,
        "scope": "recipes" if noise else "encoders",
    }
    if draws.values[0] == draws.values[-1] == 0:
        made["notes"] = ["the predictions lead to the same figure on every resample"]
    return made, Noise(draws, by_items, noise)


def _t_interval(found: Any) -> dict[str, Any]:
    half = found.half_width(ALPHA)
    ends = (found.difference - half, found.difference + half)
    return {"interval": ends, "freedom": found.freedom, "p": found.p_value()}


def _judge(comparison: dict[str, Any], noise: Noise, said: Held) -> None:
    """Add the corrected interval, the margin and the verdict."""
    corrected = noise.both.interval(said.level)
    needed = margin(comparison["difference"], noise.items.interval(said.level), noise.floor.value if noise.floor else 0)
    comparison |= {"p_holm": said.adjusted, "level": said.level, "corrected": corrected, "margin": needed}
    comparison["verdict"] = verdict(comparison["difference"], corrected, said.rejected, needed)
    if said.rejected and comparison["verdict"] == CANNOT_TELL:
        comparison["notes"].append("inside the noise of items and seeds together")


def _tiers(entry: Mapping[str, Any]) -> list[list[str]]:
    """Tiers of the arms that have a figure."""
    scores = {score["arm"]: score["value"] for score in entry["scores"] if score["value"] is not None}
    above = []
    for comparison in entry["comparisons"]:
        names = (comparison["first"], comparison["second"])
        above += [names] * (comparison["verdict"] == BETTER) + [names[::-1]] * (comparison["verdict"] == WORSE)
    return tiers(scores, above)


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
