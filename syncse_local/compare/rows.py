"""What a study is over: tasks with the predictions of every run, and averages. Knows no arm's verdict and no store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from syncse_local.compare.bootstrap import Pause, resample
from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.statistics import Columns, statistic


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
class ComparisonRow:
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
