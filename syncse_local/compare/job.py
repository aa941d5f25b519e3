"""The compare stage: load the predictions of the arms' runs, pair them, do the study. Knows the store."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from syncse_local.compare.arms import eval_run, recognised
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
    given = [{**arm, **recognised(job.connection, arm)} for arm in spec.arms_data]
    order = [name for arm in given for name in arm["runs"]]
    scores = [by_metric(job, name) for name in order]
    names, notes = shared_tasks(job.connection, order, spec.tasks)
    measured = with_metric(names, spec.metric, scores[0])

    def pause() -> None:
        if job.reporter.cancelled():
            raise SyncseError("Stopped", "The comparison was cancelled.", "Start it again.", ExitCode.INTERRUPTED)

    loaded = [load(job, name, metric, order, scores) for name, metric in measured.items()]
    calibration = calibrations.of_machine(job.connection, here(), {task.task: task.items_sha256 for task in loaded})
    borrowed = [name for name in (calibration or {}).get("runs", []) if name not in order]
    repeated = calibration is not None and len(borrowed) < len(calibration["runs"])
    calibrated = Arm.of("calibration", range(len(order), len(order) + len(borrowed))) if borrowed else None
    rows: list[ComparisonRow] = []
    for done, task in enumerate(loaded):
        job.reporter.progress(done, len(loaded), task=task.task)
        task = with_calibration(job, task, borrowed)
        family = resolve([task.task])[0].family
        figures = task.figures(setting, pause)
        rows.append(ComparisonRow(task.task, task.metric, task.unit, task.items, [task], figures, family=family))
    job.reporter.progress(len(loaded), len(loaded))
    arms = [Arm.of(arm["name"], map(order.index, arm["runs"]), arm["fixed"]) for arm in given]
    found = study(arms, [*rows, *averages(rows, scores[0])], setting, None if repeated else calibration, calibrated)
    found["notes"] += [*notes, *_unclustered(rows)]
    return {"arms": given, "setting": spec.to_options().get("setting", {}), "calibration": calibration, **found}


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
    columns = [_numbers(each) for each in found]
    undefined = {}
    for row, score in enumerate(each[task, metric] for each in scores):
        if score["value"] is None:
            notes = [note for note in score["detail"].get("notes", []) if note.startswith("undefined")]
            undefined[row] = notes[0] if notes else "undefined"
    unit = FAMILIES[resolve([task])[0].family].unit
    clusters = next((each["cluster"].astype(np.float64) for each in columns if "cluster" in each), None)
    return TaskRuns(task, metric, unit, items, digest, columns, undefined, clusters)


def with_calibration(job: Job, task: TaskRuns, names: Sequence[str]) -> TaskRuns:
    """The task with the predictions of a calibration's runs as well; those that are not here, or of other items, are
    undefined."""
    columns, undefined = list(task.columns), dict(task.undefined)
    for name in names:
        found = predictions.columns(job.connection, name, task.task)
        if {column.items_sha256 for column in found.values()} != {task.items_sha256}:
            undefined[len(columns)] = "not in the calibration"
        columns.append(task.columns[0] if len(columns) in undefined else _numbers(found))
    return replace(task, columns=columns, undefined=undefined)


def _numbers(found: Mapping[str, predictions.Column]) -> Columns:
    return {name: np.frombuffer(column.data, dtype=column.type) for name, column in found.items()}


def _unclustered(rows: Sequence[ComparisonRow]) -> list[str]:
    lacking = [
        row.name for row in rows for task in row.tasks if task.clusters is None and "spearman" in task.columns[0]
    ]
    told = "its evaluations do not say which pairs share a sentence, so that all count as independent"
    return [f"{', '.join(lacking)}: {told}"] if lacking else []


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
            found.append(
                ComparisonRow(made.label, of[0].metric, of[0].unit, items, tasks, figures, average=True, family=family)
            )
    return found
