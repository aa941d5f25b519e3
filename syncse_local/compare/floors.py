"""The noise floor of a comparison: how far two arms of the same recipe differ, 95 times in 100. Knows no verdict.

From this machine's calibration where there is one for the task's items, or from the seeds of the arms if they say more.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from scipy.stats import t as student

from syncse_local.compare.intervals import welch

LEVEL = 0.05
"""The floor is the difference that seeds alone exceed once in twenty times, as often as a verdict may err."""


@dataclass(frozen=True, slots=True)
class Floor:
    """A difference in the metric's unit, and where it comes from."""

    value: float
    source: str


def floor(calibrated: Sequence[float] | None, first: Sequence[float], second: Sequence[float]) -> Floor | None:
    """t x sd x sqrt(1 / k + 1 / l) for arms of k and l runs; None where nothing says how seeds scatter.

    `calibrated` has a figure for each calibration run. Without it, or where the arms themselves have more degrees of
    freedom: Welch's half-width over their seeds, or the one arm's spread taken for both.
    """
    share = math.sqrt(1 / len(first) + 1 / len(second))
    both = welch(first, second)
    own = len(first) + len(second) - 2 if both else 0
    if calibrated is not None and len(calibrated) - 1 >= max(own, 1):
        return Floor(_reach(calibrated, share), f"calibration of {len(calibrated)} runs")
    if both is not None:
        return Floor(both.half_width(LEVEL), f"seeds ({len(first)} and {len(second)})")
    longer = max(first, second, key=len)
    if len(longer) > 1:
        return Floor(_reach(longer, share), f"seeds of one arm ({len(longer)}), taken for both")
    return None


def _reach(values: Sequence[float], share: float) -> float:
    return float(student.ppf(1 - LEVEL / 2, len(values) - 1)) * stdev(values) * share


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
