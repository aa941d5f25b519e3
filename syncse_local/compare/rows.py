"""What a study is over: tasks with the predictions of every run, and averages. Knows no arm's verdict and no store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from syncse_local.compare.bootstrap import Pause, Units, resample
from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.statistics import Columns, Floats, statistic


@dataclass(frozen=True, slots=True)
class Setting:
    """How a study is done: bootstrap draws, their seed, and the method of intervals over items."""

    draws: int = 10_000
    seed: int = 1
    method: str = "bca"


@dataclass(frozen=True, slots=True)
class TaskRuns:
    """A task's predictions by run, all of the same items; `undefined` are the places of runs that have no figure, `clusters`
    (items,) a number for each item that those which share a sentence have in common; None where nobody knows."""

    task: str
    metric: str
    unit: str
    items: int
    items_sha256: str
    columns: Sequence[Columns]
    undefined: Mapping[int, str] = field(default_factory=dict)
    clusters: Floats | None = None

    def figures(self, setting: Setting, pause: Pause) -> Figures:
        """The runs' figures on the task's resamples."""
        units = Units.of_items(self.items) if self.clusters is None else Units.of_clusters(self.clusters)
        measure = statistic(self.metric, self.columns)
        found = resample(measure, units, setting.draws, setting.seed, self.task, pause)
        for row in self.undefined:
            for values in (found.estimate, found.draws, found.without):
                values[row] = np.nan
        return Figures.of_task(found, units.effective)

    @property
    def key(self) -> tuple[str, str, str]:
        """What a calibration must have measured to speak of this task."""
        return self.task, self.metric, self.items_sha256


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """A task or an average, with the figures of all runs. Rows of one `family` are tested behind its average."""

    name: str
    metric: str
    unit: str
    items: int
    tasks: Sequence[TaskRuns]
    figures: Figures
    average: bool = False
    family: str = ""

    def why(self, arm: Arm) -> list[str]:
        """Why the arm has no figure."""
        return sorted({task.undefined[row] for task in self.tasks for row in arm.rows if row in task.undefined})

    @property
    def least(self) -> float:
        """The smallest of its tasks in independent items: clusters of items that share a sentence count as Kish has it."""
        return min(self.figures.units)
