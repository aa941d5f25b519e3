"""A comparison of three arms on two tasks, by the study itself over made-up predictions."""

from typing import Any

import numpy as np

from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.rows import ComparisonRow, Setting, TaskRuns
from syncse_local.compare.study import study

SETTING = Setting(draws=400)
NOISE = {"base": (1.6, 1.7, 1.65), "mine": (0.5, 0.55, 0.52), "one [b]seed[/b]": (1.6,)}
"""How far each run's predictions scatter around the gold scores."""
CALIBRATION = {"id": 1, "encoder": "starter-encoder", "data": "1,200 triplets", "machine": "a CPU with 2 cores"}


def result(calibrated: bool = False) -> dict[str, Any]:
    """What a compare run leaves as its result; `calibrated` says a calibration of other tasks is there."""
    names = [f"{arm}{seed}" for arm, noises in NOISE.items() for seed, _ in enumerate(noises)]
    tasks = [_task("STS12", 160, 1), _task("STSB", 60, 5)]
    pause = lambda: None  # noqa: E731
    rows = [
        ComparisonRow(task.task, task.metric, task.unit, task.items, [task], task.figures(SETTING, pause))
        for task in tasks
    ]
    mean = Figures.average([row.figures for row in rows])
    rows.append(
        ComparisonRow("average of the 2 present: STS12, STSB", "spearman", "pairs", 220, tasks, mean, average=True)
    )
    arms, at = [], 0
    for name, noises in NOISE.items():
        arms.append(Arm.of(name, range(at, at + len(noises))))
        at += len(noises)
    listed = [{"name": arm.name, "runs": [names[row] for row in arm.rows]} for arm in arms]
    calibration = {**CALIBRATION, "floors": {}} if calibrated else None
    return {"arms": listed, "setting": {}, "calibration": calibration, **study(arms, rows, SETTING, calibration)}


def _task(name: str, items: int, seed: int) -> TaskRuns:
    rng = np.random.default_rng(seed)
    gold = rng.uniform(0, 5, items)
    columns = [
        {"gold": gold, "spearman": gold + noise * rng.standard_normal(items)}
        for noises in NOISE.values()
        for noise in noises
    ]
    return TaskRuns(name, "spearman", "pairs", items, "0" * 64, columns)
