"""Made-up predictions for compare tests: models with a true quality, training noise by seed, and items they share."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.rows import ComparisonRow, Setting, TaskRuns
from syncse_local.compare.study import study

QUICK = Setting(draws=400, seed=1)
Floats = NDArray[np.float64]


def cosines(gold: Floats, rng: np.random.Generator, noise: float) -> Floats:
    """Predictions that follow the gold scores up to noise."""
    found: Floats = gold + noise * rng.normal(size=len(gold))
    return found


def task(name: str, gold: Floats, predictions: Sequence[Floats], undefined: Mapping[int, str] = {}) -> TaskRuns:
    """An STS task with one prediction an item and run."""
    columns = [{"gold": gold, "spearman": values} for values in predictions]
    return TaskRuns(name, "spearman", "pairs", len(gold), f"items of {name}", columns, undefined)


def compared(
    tasks: Sequence[TaskRuns],
    arms: Mapping[str, Sequence[int]],
    setting: Setting = QUICK,
    calibration: Mapping[str, Any] | None = None,
    fixed: Collection[str] = (),
    average: bool = False,
) -> dict[str, Any]:
    """A study of arms, each the places of its runs; those named in `fixed` were not trained. `average` adds a row."""
    rows = [ComparisonRow(t.task, t.metric, t.unit, t.items, [t], t.figures(setting, lambda: None)) for t in tasks]
    if average:
        mean, items = Figures.average([row.figures for row in rows]), sum(row.items for row in rows)
        rows.append(ComparisonRow("average", rows[0].metric, rows[0].unit, items, list(tasks), mean, average=True))
    made = [Arm.of(name, places, name in fixed) for name, places in arms.items()]
    return study(made, rows, setting, calibration)


def calibration(task: TaskRuns, values: Sequence[float]) -> dict[str, Any]:
    """A calibration that measured these figures on the task."""
    floor = {"metric": task.metric, "items_sha256": task.items_sha256, "values": list(values)}
    return {"id": 1, "floors": {task.task: floor}}
