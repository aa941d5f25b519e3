"""The score table of an evaluation: Spearman x 100 by task, the average with its label, and what was missing."""

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from syncse_local.api import Run
from syncse_local.text.display import safe
from syncse_local.text.figures import figure, hundred
from tui.run_follower import RunDetail
from tui.widgets.section import Section, lines

TASK = 22
"""Columns for the longest name of a task."""


class Scores(Section):
    """The scores of a finished run, or the tasks of one at work with the scores that have come. Hidden without either."""

    def show(self, detail: RunDetail) -> None:
        """Draw one line a task, the family's main figure."""
        rows = _finished(detail) if detail.scores else _coming(detail)
        if not rows:
            self.set_content(Content(""))
            return
        only_spearman = {metric for _, _, metric, _ in rows} <= {"spearman", ""}
        label = "Spearman x 100" if only_spearman else "x 100"
        heading = Content.styled(f"{'task':<{TASK}} {'items':>7}  {label:>14}", "$text-muted")
        drawn = [_line(*row[:2], row[3], "" if only_spearman else row[2]) for row in rows]
        self.set_content(lines(heading, *drawn, *_average(detail.run), *_missing(detail.run)))


Row = tuple[object, object, str, str]
"""Task, items scored, metric, the figure in words."""


def _finished(detail: RunDetail) -> list[Row]:
    main = _main_metrics(detail.run)
    kept = [row for row in detail.scores if main.get(row["task"], row["metric"]) == row["metric"]]
    return [(row["task"], row["pairs"], str(row["metric"]), hundred(row["value"])) for row in kept]


def _main_metrics(run: Run) -> dict[object, str]:
    """The first metric of each task is its family's main one."""
    scores = run.result.get("scores")
    found = scores.items() if isinstance(scores, dict) else ()
    return {task: str(next(iter(metrics))) for task, metrics in found if isinstance(metrics, dict) and metrics}


def _coming(detail: RunDetail) -> list[Row]:
    if detail.run.kind != "eval" or detail.log is not None:
        return []
    tasks = detail.run.options.get("tasks")
    known = {said.get("task"): said for said in detail.scored}
    names = [task for task in tasks if isinstance(task, str)] if isinstance(tasks, list) else []
    return [_said(task, known.get(task, {})) for task in dict.fromkeys([*names, *known])] if names or known else []


def _said(task: object, said: Mapping[str, Any]) -> Row:
    metrics = said.get("metrics")
    if not isinstance(metrics, dict) or not metrics:
        return (task, "", "", "…")
    name, value = next(iter(metrics.items()))
    return (task, said.get("items"), str(name), hundred(value))


def _line(task: object, items: object, value: str, metric: str) -> Content:
    return Content(f"{safe(task, TASK):<{TASK}} {figure(items):>7}  {value:>14}  {safe(metric, 20)}".rstrip())


def _average(run: Run) -> list[Content]:
    average = run.result.get("average")
    if not isinstance(average, dict):
        return []
    value = hundred(average.get("value"))
    return [
        Content.styled(f"{'average':<{TASK}} {'':>7}  {value:>14}", "bold"),
        Content.styled(safe(average.get("label", "")), "$text-muted"),
    ]


def _missing(run: Run) -> list[Content]:
    missing = run.result.get("missing")
    if not isinstance(missing, dict):
        return []
    return [Content(f"{safe(task, 40)} is not there (looked for {safe(where)})") for task, where in missing.items()]
