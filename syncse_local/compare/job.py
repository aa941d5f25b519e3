"""The compare stage: load the predictions of the arms' runs, pair them, do the study. Knows the store."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from syncse_local.compare.arms import eval_run
from syncse_local.compare.figures import Arm, Figures
from syncse_local.compare.host import here
from syncse_local.compare.pairing import pair, shared_tasks
from syncse_local.compare.rows import ComparisonRow, Setting, TaskRuns
from syncse_local.compare.statistics import Columns
from syncse_local.compare.study import study
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import TaskScore
from syncse_local.evaluation.run import average
from syncse_local.evaluation.tasks import FAMILIES, resolve
from syncse_local.jobs.job import Job
from syncse_local.specs.compare import CompareSpec
from syncse_local.store import calibrations, predictions, runs

Scores = Mapping[tuple[str, str], dict[str, Any]]
"""A run's rows of the score table by task and metric."""


def run(job: Job) -> dict[str, Any]:
    """Do a compare run; returns the study with its arms, setting and calibration. Raises SyncseError for unpaired runs."""
    spec = CompareSpec.of(job.run.options)
    setting = Setting(spec.draws, spec.seed, spec.method)
    order = [name for arm in spec.arms_data for name in arm["runs"]]
    scores = [by_metric(job, name) for name in order]
    names, notes = shared_tasks(job.connection, order, spec.tasks)
    measured = with_metric(names, spec.metric, scores[0])

    def pause() -> None:
        if job.reporter.cancelled():
            raise SyncseError("Stopped", "The comparison was cancelled.", "Start it again.", ExitCode.INTERRUPTED)

    rows: list[ComparisonRow] = []
    for done, (name, metric) in enumerate(measured.items()):
        job.reporter.progress(done, len(measured), task=name)
        task = load(job, name, metric, order, scores)
        rows.append(ComparisonRow(name, task.metric, task.unit, task.items, [task], task.figures(setting, pause)))
    job.reporter.progress(len(measured), len(measured))
    arms = [
        Arm.of(arm["name"], [order.index(name) for name in arm["runs"]], setting.draws, setting.seed)
        for arm in spec.arms_data
    ]
    items = {task.task: task.items_sha256 for row in rows for task in row.tasks}
    calibration = calibrations.of_machine(job.connection, here(), items)
    found = study(arms, [*rows, *averages(rows, scores[0])], setting, calibration)
    found["notes"] += notes
    told = spec.to_options()
    return {"arms": told["arms"], "setting": told.get("setting", {}), "calibration": calibration, **found}


def by_metric(job: Job, name: str) -> Scores:
    """The scores of an eval run, which must be fit for a comparison."""
    return {(row["task"], row["metric"]): row for row in runs.scores(job.connection, eval_run(job.connection, name).id)}


def with_metric(names: Sequence[str], wanted: str, scores: Scores) -> dict[str, str]:
    """Each task's metric: the wanted one, else the family's main one; tasks without the wanted one are left out."""
    main = {name: FAMILIES[task.family].shown[0] for name, task in zip(names, resolve(names), strict=True)}
    found = {name: wanted or metric for name, metric in main.items() if not wanted or (name, wanted) in scores}
    if not found:
        detail = f"None of the tasks has the metric {wanted}."
        raise SyncseError("Nothing to compare", detail, "Leave out --metric.", ExitCode.NOTHING)
    return found


def load(job: Job, task: str, metric: str, order: Sequence[str], scores: Sequence[Scores]) -> TaskRuns:
    """A task's predictions of every run, paired."""
    found = [predictions.columns(job.connection, name, task) for name in order]
    items, digest = pair(task, order, found)
    columns: list[Columns] = [
        {name: np.frombuffer(column.data, dtype=column.type) for name, column in each.items()} for each in found
    ]
    undefined = {}
    for row, score in enumerate(each[task, metric] for each in scores):
        if score["value"] is None:
            notes = [note for note in score["detail"].get("notes", []) if note.startswith("undefined")]
            undefined[row] = notes[0] if notes else "undefined"
    unit = FAMILIES[resolve([task])[0].family].unit
    return TaskRuns(task, metric, unit, items, digest, columns, undefined)


def averages(rows: Sequence[ComparisonRow], scores: Scores) -> list[ComparisonRow]:
    """Each family's average as `evaluation.run` labels it, where two or more of its tasks are here; the items are the same
    in all runs, so that any run's `scores` say whether they are the published ones."""
    found = []
    for family in FAMILIES:
        parts = [
            TaskScore(row.name, {row.metric: 0.0}, row.items, complete=scores[row.name, row.metric]["detail"].get("complete", True))
            for row in rows
        ]  # fmt: skip
        if made := average(parts, family):
            of = [row for row in rows if row.name in made.tasks]
            tasks = [task for row in of for task in row.tasks]
            figures = Figures.average([row.figures for row in of])
            items = sum(row.items for row in of)
            found.append(ComparisonRow(made.label, of[0].metric, of[0].unit, items, tasks, figures, average=True))
    return found
