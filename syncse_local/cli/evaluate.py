"""`syncse eval`: score an encoder on STS tasks and print the table."""

import argparse
from typing import Any

from syncse_local.api import Run, Workspace
from syncse_local.cli.common import begun, existing, job_flags, parser, settings, workspace
from syncse_local.cli.follow import follow
from syncse_local.cli.output import safe, table
from syncse_local.config import Settings
from syncse_local.errors import ExitCode
from syncse_local.evaluation.tasks import TASKS, resolve
from syncse_local.paths import starter_encoder


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs, "eval", "score an encoder on STS tasks", "syncse eval models/mine --senteval ~/SentEval/data", run
    )
    job_flags(made)
    made.add_argument("encoder", nargs="?", help="an encoder's directory (default: the starter encoder)")
    made.add_argument(
        "--senteval", metavar="DIR", help="SentEval's data directory; without it only the starter set is scored"
    )
    made.add_argument("--tasks", nargs="+", metavar="TASK", help=f"of: {', '.join(TASKS)}")
    made.add_argument("--device", help="auto, cpu, cuda or mps")


def run(options: argparse.Namespace) -> ExitCode:
    """Start the evaluation, follow it, print its table."""
    plan = request(settings(options), options.encoder, options.tasks)
    with workspace(options) as opened:
        started = opened.start("eval", plan, options.name)
        if options.detach:
            return begun(started, options.json)
        code = follow(opened, started, options.json)
        if code == ExitCode.OK and not options.json:
            print(scores_table(opened, [opened.run(started.id)]))
        return code


def request(chosen: Settings, encoder: str | None, tasks: list[str] | None) -> dict[str, Any]:
    """The options of an eval run, checked."""
    default = [name for name, task in TASKS.items() if chosen.senteval or task.source == "starter"]
    return {
        "encoder": existing(encoder or chosen.encoder or str(starter_encoder()), "encoder"),
        "senteval": existing(chosen.senteval, "SentEval directory") if chosen.senteval else "",
        "tasks": [task.name for task in resolve(tasks or default)],
        "device": chosen.device,
    }


def scores_table(workspace: Workspace, evals: list[Run]) -> str:
    """Spearman x 100, one row a task, one column an eval run; what is missing is named below."""
    by_run = [{s["task"]: s for s in workspace.scores(run.id) if s["metric"] == "spearman"} for run in evals]
    names = [name for name in TASKS if any(name in scores for scores in by_run)]
    rows: list[list[object]] = []
    for name in names:
        pairs = next(scores[name]["pairs"] for scores in by_run if name in scores)
        rows.append([name, pairs, *(_hundred(scores.get(name, {}).get("value")) for scores in by_run)])
    averages = [run.result.get("average") for run in evals]
    if all(averages):
        labels = {average["label"] for average in averages if average}
        rows.append(["average*", "", *(_hundred(average["value"]) for average in averages if average)])
        note = f"* {'; '.join(sorted(labels))}"
    else:
        note = ""
    lines = [table(["task", "pairs", *(safe(run.result.get("label", run.id)) for run in evals)], rows)]
    lines.append("Spearman correlation x 100, SentEval protocol (years: all subsets concatenated).")
    lines += [note] if note else []
    missing = {task: where for run in evals for task, where in run.result.get("missing", {}).items()}
    lines += [f"{task} is not there (looked for {safe(where)})" for task, where in missing.items()]
    remarks = {(task, note) for run in evals for task, notes in run.result.get("notes", {}).items() for note in notes}
    lines += [f"{task}: {safe(note)}" for task, note in sorted(remarks)]
    return "\n".join(lines)


def _hundred(value: float | None) -> str:
    return "undefined" if value is None else f"{100 * value:.2f}"
