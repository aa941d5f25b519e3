"""Two arms on a row: their difference, the noise it is held against, and the verdict. Knows no other pair and no store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from syncse_local.compare.figures import Arm
from syncse_local.compare.floors import Floor, calibrated_values, floor
from syncse_local.compare.intervals import Draws, Held, Welch, welch
from syncse_local.compare.rows import ComparisonRow, Setting
from syncse_local.compare.verdicts import CANNOT_TELL, margin, verdict

ALPHA = 0.05
"""Intervals hold 95 %: the convention of the field, and of the tables this one stands beside."""


@dataclass(frozen=True, slots=True)
class Noise:
    """What a difference is held against: its distribution over items and seeds, that over items alone, and the floor."""

    both: Draws
    items: Draws
    floor: Floor | None


def compare(
    row: ComparisonRow, pair: tuple[Arm, Arm], setting: Setting, calibration: Mapping[str, Any] | None
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


def _t_interval(found: Welch) -> dict[str, Any]:
    half = found.half_width(ALPHA)
    ends = (found.difference - half, found.difference + half)
    return {"interval": ends, "freedom": found.freedom, "p": found.p_value()}


def judge(comparison: dict[str, Any], noise: Noise, said: Held) -> None:
    """Add the corrected interval, the margin and the verdict."""
    corrected = noise.both.interval(said.level)
    needed = margin(comparison["difference"], noise.items.interval(said.level), noise.floor.value if noise.floor else 0)
    comparison |= {"p_holm": said.adjusted, "level": said.level, "corrected": corrected, "margin": needed}
    comparison["verdict"] = verdict(comparison["difference"], corrected, said.rejected, needed)
    if said.rejected and comparison["verdict"] == CANNOT_TELL:
        comparison["notes"].append("inside the noise of items and seeds together")
