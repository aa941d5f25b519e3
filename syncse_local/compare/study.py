"""A study: arms on rows, every pair compared, averages as gatekeepers of their parts, verdicts and tiers, as JSON data.

Knows no store.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import stdev
from typing import Any

import numpy as np

from syncse_local.compare.figures import Arm
from syncse_local.compare.gatekeeper import Question, decide
from syncse_local.compare.pairs import ALPHA, ENOUGH, LEAST, Evidence, compare, judge
from syncse_local.compare.rows import ComparisonRow, Setting
from syncse_local.compare.seeds import Spread, calibrated_values
from syncse_local.compare.verdicts import BETTER, WORSE, tiers

FEW = 5
"""Draws beyond an interval's end, under which the end is said to rest on too few."""

Tried = tuple[dict[str, Any], Evidence, ComparisonRow]


def study(
    arms: Sequence[Arm],
    rows: Sequence[ComparisonRow],
    setting: Setting,
    calibration: Mapping[str, Any] | None,
    calibrated: Arm | None = None,
) -> dict[str, Any]:
    """Every row's scores, differences, verdicts and tiers. `calibration` as `store.calibrations` gives it, or None;
    `calibrated` has the places of its runs, where their predictions are here: they say more than their figures."""
    found = [{**_described(row), "scores": [_score(row, arm, setting) for arm in arms]} for row in rows]
    tried: list[Tried] = []
    for entry, row in zip(found, rows, strict=True):
        entry["comparisons"] = []
        for pair in combinations(arms, 2):
            others = [arm for arm in arms if arm not in pair and not arm.fixed]
            comparison, evidence = compare(row, pair, _borrowed(row, others, calibration, calibrated), setting)
            entry["comparisons"].append(comparison)
            tried += [(comparison, evidence, row)] if evidence else []
    by_recipes, by_encoders = ([each for each in tried if each[1].recipes == of] for of in (True, False))
    notes = [*_few_items(rows), *_judge(by_recipes, setting), *_judge(by_encoders, setting)]
    for entry in found:
        entry["tiers"] = _tiers(entry)
    counts = {"family": len(by_recipes), "family_of_encoders": len(by_encoders)}
    return {"rows": found, **counts, "alpha": ALPHA, "notes": list(dict.fromkeys(notes))}


def _borrowed(
    row: ComparisonRow, others: Sequence[Arm], calibration: Mapping[str, Any] | None, calibrated: Arm | None
) -> Spread | None:
    """How seeds scatter in the other arms and in the calibration, pooled."""
    spreads = [Spread.of(row.figures, arm.rows, "other arms") for arm in others]
    known = (
        Spread.of(row.figures, calibrated.rows, f"calibration of {len(calibrated.rows)} runs") if calibrated else None
    )
    values = calibrated_values(calibration, [task.key for task in row.tasks])
    if known is None and values and len(values) > 1:
        known = Spread.of_values(values)
    used = [spread for spread in (*spreads, known) if spread]
    return Spread.pooled(used, " and ".join(dict.fromkeys(spread.source for spread in used))) if used else None


def _judge(tried: Sequence[Tried], setting: Setting) -> list[str]:
    """Give every comparison its verdict, and return notes on the draws. Rows of a family and a pair are one question."""
    questions: dict[tuple[str, str, str], Question] = {}
    for at, (comparison, _, row) in enumerate(tried):
        question = questions.setdefault((comparison["first"], comparison["second"], row.family), Question())
        if row.average:
            question.head = at
        else:
            question.rest.append(at)
    held = decide([evidence.known.p_value() for _, evidence, _ in tried], list(questions.values()), ALPHA)
    for (comparison, evidence, _), said in zip(tried, held, strict=True):
        judge(comparison, evidence, said)
    few = [said.level for (_, evidence, _), said in zip(tried, held, strict=True) if evidence.known.method != "t"]
    return _few_draws(min(few), setting.draws) if few else []


def _few_draws(level: float, draws: int) -> list[str]:
    if level / 2 * draws >= FEW:
        return []
    need = int(np.ceil(2 * FEW / level / 1000) * 1000)
    return [f"the corrected intervals rest on fewer than {FEW} of {draws} draws an end: use --draws {need} or more"]


def _few_items(rows: Sequence[ComparisonRow]) -> list[str]:
    few = [
        f"{row.name} ({row.least:.0f} {row.unit})" for row in rows if not row.average and LEAST <= row.least < ENOUGH
    ]
    return [f"{', '.join(few)}: under {ENOUGH} independent items, where a single one can decide"] if few else []


def _described(row: ComparisonRow) -> dict[str, Any]:
    about = {"name": row.name, "metric": row.metric, "unit": row.unit, "items": row.items}
    tasks = [task.task for task in row.tasks]
    return {**about, "independent": row.least, "average": row.average, "family": row.family, "tasks": tasks}


def _score(row: ComparisonRow, arm: Arm, setting: Setting) -> dict[str, Any]:
    """The arm's mean over its runs, the interval over items for these runs, and the spread over seeds by itself."""
    values = row.figures.of(arm)
    draws = row.figures.score(arm, setting.method)
    return {
        "arm": arm.name,
        "fixed": arm.fixed,
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
