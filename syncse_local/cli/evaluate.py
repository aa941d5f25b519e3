"""`syncse eval`: score an encoder on STS, reranking and transfer tasks and print the tables."""

import argparse
from typing import Any

from syncse_local.api import Run, Workspace
from syncse_local.cli.common import begun, job_flags, parser, settings, workspace
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.follow import follow
from syncse_local.cli.output import table
from syncse_local.errors import ExitCode
from syncse_local.evaluation.tasks import FAMILIES, TASKS, Family, family_of
from syncse_local.prepare.evaluate import evaluate
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.text.display import safe, safe_text
from syncse_local.text.figures import hundred


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "eval",
        "score an encoder: STS, reranking, transfer",
        "syncse eval models/mine --senteval ~/SentEval/data --tasks sts transfer",
        run,
    )
    job_flags(made)
    add_fields(made, EvaluateSpec)


def run(options: argparse.Namespace) -> ExitCode:
    """Start the evaluation, follow it, print its table."""
    ready = evaluate(spec_of(options, EvaluateSpec), settings(options))
    with workspace(options) as opened:
        started = opened.start("eval", ready.to_options(), options.name)
        if options.detach:
            return begun(started, options.json)
        code = follow(opened, started, options.json)
        if code == ExitCode.OK and not options.json:
            print(scores_table(opened, [opened.run(started.id)]))
        return code


def scores_table(workspace: Workspace, evals: list[Run]) -> str:
    """A block for each family, figures x 100, one column an eval run; what is missing is named below."""
    by_run = [{(s["task"], s["metric"]): s for s in workspace.scores(run.id)} for run in evals]
    order = list(TASKS)
    names = dict.fromkeys(task for scores in by_run for task, _ in scores)
    known = sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
    lines: list[str] = []
    families = {task: family_of(task) for task in known}
    for name, family in FAMILIES.items():
        if tasks := [task for task in known if families[task] == name]:
            lines += [*_block(name, family, tasks, evals, by_run), ""]
    if strange := [task for task in known if not families[task]]:
        lines += [*_strange(strange, evals, by_run), ""]
    missing = {task: where for run in evals for task, where in run.result.get("missing", {}).items()}
    lines += [f"{task} is not there (looked for {safe(where)})" for task, where in missing.items()]
    remarks = {(task, note) for run in evals for task, notes in run.result.get("notes", {}).items() for note in notes}
    lines += [f"{safe(task)}: {safe(note)}" for task, note in sorted(remarks)]
    return safe_text("\n".join(lines).rstrip("\n"))


def _block(
    name: str, family: Family, tasks: list[str], evals: list[Run], by_run: list[dict[tuple[str, str], Any]]
) -> list[str]:
    rows: list[list[object]] = []
    for task in tasks:
        for metric in family.shown:
            found = [scores.get((task, metric)) for scores in by_run]
            count = next((score["pairs"] for score in found if score), None)
            if count is not None:
                rows.append([safe(task), metric, count, *(hundred(score["value"]) if score else "" for score in found)])
    averages = [_average(run, name) for run in evals]
    if all(averages):
        rows.append(["average*", family.shown[0], "", *(hundred(average["value"]) for average in averages)])
    labels = sorted({str(average["label"]) for average in averages if average}) if all(averages) else []
    labelled = ["task", "metric", family.unit, *(safe(run.result.get("label", run.id)) for run in evals)]
    return [table(labelled, rows), family.protocol, *(f"* {label}" for label in labels)]


def _strange(tasks: list[str], evals: list[Run], by_run: list[dict[tuple[str, str], Any]]) -> list[str]:
    """Scores of tasks that this version does not know, as they are stored."""
    pairs = dict.fromkeys(pair for scores in by_run for pair in scores if pair[0] in tasks)
    rows = [
        [
            safe(task),
            safe(metric),
            *(hundred(scores[task, metric]["value"]) if (task, metric) in scores else "" for scores in by_run),
        ]
        for task, metric in pairs
    ]
    labelled = ["task", "metric", *(safe(run.result.get("label", run.id)) for run in evals)]
    return [table(labelled, rows), "x 100: tasks that this version does not know; another one measured them."]


def _average(run: Run, family: str) -> dict[str, Any]:
    """The family's average with its label; empty where it has none."""
    found = run.result.get("averages") or {"sts": run.result.get("average")}
    return found.get(family) or {}
