"""`syncse eval`: score an encoder on STS, reranking and transfer tasks and print the tables."""

import argparse
from pathlib import Path
from typing import Any

from syncse_local.api import Run, Workspace
from syncse_local.catalog.resolve import find_one
from syncse_local.cli.common import begun, existing, job_flags, parser, settings, workspace
from syncse_local.cli.follow import follow
from syncse_local.cli.output import table
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.tasks import FAMILIES, TASKS, Family, resolve
from syncse_local.modelfiles.entry import ModelEntry
from syncse_local.paths import starter_encoder
from syncse_local.specs.choices import OVERRIDES
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
    made.add_argument(
        "encoder",
        nargs="?",
        help="an encoder's directory, GGUF file, word vectors or name (default: the starter encoder)",
    )
    made.add_argument(
        "--senteval",
        metavar="DIR",
        help="SentEval's data directory (STS, transfer); also SemEval's archives or MTEB's STS",
    )
    made.add_argument(
        "--reranking", metavar="DIR", help="directory with MTEB's reranking sets, or JSONL files like them"
    )
    known = f"of: {', '.join(FAMILIES)} (all of a family), {', '.join(TASKS)}; or the name of a file in --reranking"
    made.add_argument("--tasks", nargs="+", metavar="TASK", help=f"{known} (default: what is there, without transfer)")
    made.add_argument("--device", help="auto, cpu, cuda or mps")
    made.add_argument("--pooling", choices=OVERRIDES, help="instead of the encoder's own pooling")
    made.add_argument(
        "--max-length", metavar="N", type=int, help="longest input in tokens (default: the encoder's own)"
    )
    made.add_argument("--no-cache", action="store_true", help="encode all sentences anew, keep none of the vectors")
    made.add_argument("--cache-mb", metavar="N", type=int, help="most that all kept vectors may take (default: 1024)")


def run(options: argparse.Namespace) -> ExitCode:
    """Start the evaluation, follow it, print its table."""
    plan = request(settings(options), options.encoder, options.tasks) | encoding(options)
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
    return {
        "encoder": named_encoder(encoder or chosen.encoder or str(starter_encoder()), chosen),
        "senteval": existing(chosen.senteval, "SentEval directory") if chosen.senteval else "",
        "reranking": existing(chosen.reranking, "reranking directory") if chosen.reranking else "",
        "tasks": [task.name for task in resolve(tasks or _default_tasks(chosen))],
        "device": chosen.device,
    }


def named_encoder(text: str, chosen: Settings) -> str:
    """The absolute path of an encoder given by path, or by the name of anything in the catalog that embeds."""
    if (path := Path(text).expanduser()).exists():
        return str(path.absolute())

    def embeds(entry: ModelEntry) -> bool:
        return "train" in entry.backends or (entry.kind == "embedding" and not entry.problem)

    return str(find_one(text, chosen, Path(chosen.workspace).resolve(), "encoder", embeds).path)


def encoding(options: argparse.Namespace) -> dict[str, Any]:
    """How to encode, as options of an eval run: what was asked for alone. Raises SyncseError (USAGE)."""
    asked = {"pooling": options.pooling, "max_length": options.max_length, "cache_mb": options.cache_mb}
    if options.no_cache:
        asked["cache_mb"] = 0
    for name, least in (("max_length", 3), ("cache_mb", 0)):
        if asked[name] is not None and asked[name] < least:
            flag = f"--{name.replace('_', '-')}"
            raise SyncseError(
                "Not a usable number", f"{flag} is {asked[name]}.", f"Give {least} or more.", ExitCode.USAGE
            )
    return {name: value for name, value in asked.items() if value is not None}


def _default_tasks(chosen: Settings) -> list[str]:
    """The STS and reranking tasks of the directories given; transfer, which takes minutes, is asked for by name."""
    sts = [name for name, task in TASKS.items() if task.family == "sts" and name != "starter-dev"]
    return [*(sts if chosen.senteval else ["starter"]), *(["reranking"] if chosen.reranking else [])]


def scores_table(workspace: Workspace, evals: list[Run]) -> str:
    """A block for each family, figures x 100, one column an eval run; what is missing is named below."""
    by_run = [{(s["task"], s["metric"]): s for s in workspace.scores(run.id)} for run in evals]
    order = list(TASKS)
    names = dict.fromkeys(task for scores in by_run for task, _ in scores)
    known = sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
    lines: list[str] = []
    for name, family in FAMILIES.items():
        tasks = [task.name for task in resolve(known) if task.family == name]
        if tasks:
            lines += [*_block(name, family, tasks, evals, by_run), ""]
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


def _average(run: Run, family: str) -> dict[str, Any]:
    """The family's average with its label; empty where it has none."""
    found = run.result.get("averages") or {"sts": run.result.get("average")}
    return found.get(family) or {}
