"""A study: arms on tasks, every pair compared, Holm over all of them, verdicts and tiers, as JSON data. Knows no store."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import stdev
from typing import Any

import numpy as np

from syncse_local.compare.figures import Arm
from syncse_local.compare.intervals import holm
from syncse_local.compare.pairs import ALPHA, Noise, compare, judge
from syncse_local.compare.rows import ComparisonRow, Setting
from syncse_local.compare.verdicts import BETTER, WORSE, tiers

FEW = 5
"""Draws beyond an interval's end, under which the end is said to rest on too few."""


def study(
    arms: Sequence[Arm], rows: Sequence[ComparisonRow], setting: Setting, calibration: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Every row's scores, differences, verdicts and tiers. `calibration` as `store.calibrations` gives it, or None."""
    found = [{**_described(row), "scores": [_score(row, arm, setting) for arm in arms]} for row in rows]
    pairs = list(combinations(arms, 2))
    tried: list[tuple[dict[str, Any], Noise]] = []
    for entry, row in zip(found, rows, strict=True):
        entry["comparisons"] = []
        for pair in pairs:
            comparison, noise = compare(row, pair, setting, calibration)
            entry["comparisons"].append(comparison)
            tried += [(comparison, noise)] if noise else []
    held = holm([comparison["p"] for comparison, _ in tried], ALPHA)
    for (comparison, noise), said in zip(tried, held, strict=True):
        judge(comparison, noise, said)
    for entry in found:
        entry["tiers"] = _tiers(entry)
    few = [said.level for said in held if said.level / 2 * setting.draws < FEW]
    return {"rows": found, "family": len(tried), "alpha": ALPHA, "notes": _few(min(few), setting.draws) if few else []}


def _few(level: float, draws: int) -> list[str]:
    need = int(np.ceil(2 * FEW / level / 1000) * 1000)
    return [f"the corrected intervals rest on fewer than {FEW} of {draws} draws an end: use --draws {need} or more"]


def _described(row: ComparisonRow) -> dict[str, Any]:
    about = {"name": row.name, "metric": row.metric, "unit": row.unit, "items": row.items}
    return {**about, "average": row.average, "tasks": [task.task for task in row.tasks]}


def _score(row: ComparisonRow, arm: Arm, setting: Setting) -> dict[str, Any]:
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
