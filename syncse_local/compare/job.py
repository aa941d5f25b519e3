"""The compare stage: load the predictions of the arms' runs, pair them, do the study. Knows the store."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from syncse_local.compare.arms import eval_run
from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.host import describe
from syncse_local.compare.pairing import pair, shared_tasks
from syncse_local.compare.statistics import Columns
from syncse_local.compare.study import Row, Setting, TaskRuns, study
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import TaskScore
from syncse_local.evaluation.run import average
from syncse_local.evaluation.tasks import FAMILIES, resolve
from syncse_local.jobs.job import Job
from syncse_local.store import calibrations, predictions, runs


def run(job: Job) -> dict[str, Any]:
    """Do a compare run; returns the study with its arms, setting and calibration. Raises SyncseError for unpaired runs."""
    options = job.run.options
    setting = Setting(**options.get("setting", {}))
    order = list(dict.fromkeys(name for arm in options["arms"] for name in arm["runs"]))
    for name in order:
        eval_run(job.connection, name)
    names, notes = shared_tasks(job.connection, order, options.get("tasks") or [])

    def pause() -> None:
        if job.reporter.cancelled():
            raise SyncseError("Stopped", "The comparison was cancelled.", "Start it again.", ExitCode.INTERRUPTED)

    rows: list[Row] = []
    for done, name in enumerate(names):
        job.reporter.progress(done, len(names), task=name)
        task = load(job, name, order)
        rows.append(Row(name, task.metric, task.unit, task.items, [task], task.figures(setting, pause)))
    job.reporter.progress(len(names), len(names))
    arms = [
        Arm.of(arm["name"], [order.index(r) for r in arm["runs"]], setting.draws, setting.seed)
        for arm in options["arms"]
    ]
    _refuse_copies(arms, rows)
    calibration = calibrations.of_machine(job.connection, describe()) if setting.pairs else None
    found = study(arms, [*rows, *averages(job, rows, order)], setting, calibration)
    found["notes"] += notes
    return {"arms": options["arms"], "setting": options.get("setting", {}), "calibration": calibration, **found}


def load(job: Job, task: str, order: Sequence[str]) -> TaskRuns:
    """A task's predictions of every run, paired."""
    found = [predictions.columns(job.connection, name, task) for name in order]
    items = pair(task, order, found)
    columns: list[Columns] = [
        {name: np.frombuffer(column.data, dtype=column.type) for name, column in each.items()} for each in found
    ]
    family = FAMILIES[resolve([task])[0].family]
    undefined = {}
    for row, name in enumerate(order):
        score = next(
            s for s in runs.scores(job.connection, name) if (s["task"], s["metric"]) == (task, family.shown[0])
        )
        if score["value"] is None:
            reasons = [note for note in score["detail"].get("notes", []) if note.startswith("undefined")]
            undefined[row] = reasons[0] if reasons else "undefined"
    return TaskRuns(task, family.shown[0], family.unit, *items, columns, undefined)


def averages(job: Job, rows: Sequence[Row], order: Sequence[str]) -> list[Row]:
    """Each family's average as `evaluation.run` labels it, where two or more of its tasks are here."""
    complete = {
        score["task"]: all(s["detail"].get("complete", True) for s in runs.scores(job.connection, order[0]) if s["task"] == score["task"])
        for score in runs.scores(job.connection, order[0])
    }  # fmt: skip
    found = []
    for name in FAMILIES:
        scores = [TaskScore(row.name, {row.metric: 0.0}, row.items, complete=complete[row.name]) for row in rows]
        made = average(scores, name)
        if made is not None:
            parts = [row for row in rows if row.name in made.tasks]
            tasks = [task for row in parts for task in row.tasks]
            figures = Figures.average([row.figures for row in parts])
            items = sum(row.items for row in parts)
            found.append(Row(made.label, parts[0].metric, parts[0].unit, items, tasks, figures, average=True))
    return found


def _refuse_copies(arms: Sequence[Arm], rows: Sequence[Row]) -> None:
    """Two runs of an arm with the same figures on everything are one encoder measured twice, not two seeds."""
    estimates = np.stack([row.figures.estimate for row in rows])
    for arm in arms:
        if len(arm.rows) > 1 and len(np.unique(estimates[:, list(arm.rows)], axis=1).T) < len(arm.rows):
            raise SyncseError(
                "These are not different seeds",
                f"Two runs of {arm.name} have the same scores on every task: one encoder, measured twice.",
                "Give each training seed's run once.",
                ExitCode.USAGE,
            )
