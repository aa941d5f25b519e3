"""`syncse runs | show | cancel | resume`: look at runs and act on them."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from syncse_local.api import OPEN, RESUMABLE, Run, Workspace
from syncse_local.cli.common import parser, take_part, workspace
from syncse_local.cli.compare import show as show_comparison
from syncse_local.cli.evaluate import scores_table
from syncse_local.cli.follow import LADDER, follow, progress_line
from syncse_local.cli.output import emit, table
from syncse_local.cli.report import show as show_report
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe
from syncse_local.text.events import event_line
from syncse_local.text.figures import moment

RAW = 20
"""Raw answers shown of each sort: enough to see what they have in common."""


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    listing = parser(verbs, "runs", "list the runs of the workspace", "syncse runs", list_runs)
    listing.add_argument("--limit", type=int, default=30, help="how many, newest first")
    shown = parser(
        verbs,
        "show",
        "one run: what it was told, how far it is, what came out",
        "syncse show g1124-0a1b2c --follow",
        show,
    )
    shown.add_argument("run", help="a run's id, or the beginning of it")
    shown.add_argument("-f", "--follow", action="store_true", help="follow it until it ends (ctrl-C leaves it running)")
    shown.add_argument("--raw", action="store_true", help="raw answers of a generate run, those that failed first")
    shown.add_argument("--triplets", type=int, metavar="N", default=5, help="how many triplets to show")
    shown.add_argument("--log", action="store_true", help="print the run's log")
    stopped = parser(
        verbs,
        "cancel",
        "ask a run to save and stop; again: SIGTERM, then SIGKILL",
        "syncse cancel g1124-0a1b2c",
        cancel,
    )
    stopped.add_argument("run")
    again = parser(
        verbs, "resume", "go on with an incomplete, failed, cancelled or lost run", "syncse resume g1124-0a1b2c", resume
    )
    again.add_argument("run")
    again.add_argument("--detach", action="store_true", help="do not follow it")


def list_runs(options: argparse.Namespace) -> ExitCode:
    """Print the newest runs."""
    with workspace(options, must_exist=True) as opened:
        found = opened.runs(options.limit)
    if options.json:
        for run in found:
            emit(dataclasses.asdict(run))
    elif found:
        rows = [[run.id, run.kind, run.state, moment(run.created), _share(run), safe(run.name, 40)] for run in found]
        print(table(["run", "kind", "state", "started", "done", "name"], rows))
    if not found:
        raise SyncseError("No runs yet", "The workspace is empty.", "Start one: `syncse run`.", ExitCode.NOTHING)
    return ExitCode.OK


def _share(run: Run) -> str:
    done, total = run.progress.get("done", 0), run.progress.get("total", 0)
    return f"{done}/{total}" if total else "-"


def show(options: argparse.Namespace) -> ExitCode:
    """Print one run."""
    with workspace(options, must_exist=True) as opened:
        opened.runs(1)
        run = opened.run(options.run)
        if options.follow:
            return follow(opened, run, options.json, may_cancel=False)
        if options.log:
            _log(opened.log_path(run.id))
        elif options.raw:
            _show_raw(opened, run, options.json)
        elif options.json:
            made = run.kind == "generate"
            filters, unanswered = (opened.filters(run.id), opened.unanswered(run.id)) if made else (None, [])
            found = {"scores": opened.scores(run.id), "filters": filters, "unanswered": unanswered}
            emit({**dataclasses.asdict(run), **found, "warnings": opened.warnings(run.id)})
        else:
            _describe(opened, run, options.triplets)
    return ExitCode.OK


def _log(path: Path) -> None:
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                print(safe(line.rstrip("\n")))


def _show_raw(opened: Workspace, run: Run, as_json: bool) -> None:
    """Requests without an answer and rejected answers; where there are none, the newest answers."""
    failed = [*opened.faults(run.id, RAW), *opened.answers(run.id, RAW, rejected_only=True)]
    for row in failed or opened.answers(run.id, RAW):
        if as_json:
            emit(row)
            continue
        unanswered = "no answer: " if row["verdict"] == "unanswered" else ""
        why, prompt = safe(row["reason"] or row["verdict"], 80), safe(row["prompt_id"], 80)
        print(f"[{unanswered}{why}] {prompt} | {safe(row['turn'], 200)}")
        for text in filter(None, (row["raw"], row["error"])):
            print(f"    {safe(text, 400)}")


def _describe(opened: Workspace, run: Run, most: int) -> None:
    print(f"{run.id}  {run.kind}  {run.state}  {safe(run.name)}")
    if run.progress:
        print(f"  {progress_line(run)}")
    if run.error:
        print(f"  {safe(run.error['title'])}: {safe(run.error['detail'])}\n  {safe(run.error['hint'])}")
    elif run.state in RESUMABLE:
        print(f"  Resume it: syncse resume {run.id}")
    print(f"  connections refused: {run.blocked}")
    for event in opened.events(run.id):
        if event["kind"] in ("isolation", "refused_by_kernel"):
            print(f"  {event_line(event['kind'], event['data'])}")
    for text in opened.warnings(run.id):
        print(f"  warning: {safe(text)}")
    if run.kind == "eval" and run.state == "done":
        print(scores_table(opened, [run]))
    elif run.kind == "compare" and run.state == "done":
        show_comparison(run)
    elif run.kind == "report" and run.state == "done":
        show_report(run)
    elif run.kind == "generate":
        counts = opened.counts(run.id)
        print("  " + ", ".join(f"{name} {value}" for name, value in counts.items()))
        rejected = ", ".join(f"{name} {n}" for name, n in opened.failures(run.id).items())
        print(f"  rejected: {safe(rejected) or 'none'}")
        for kind in opened.unanswered(run.id):
            example = f": {safe(kind['example'], 300)}" if kind["example"] else ""
            print(f"  no answer: {kind['requests']} {safe(kind['kind'])}{example}")
        print(f"  {safe(filters_line(opened.filters(run.id), run))}")
        for row, _ in zip(opened.triplets([run.id]), range(most), strict=False):
            print(
                f"  - {safe(row['sentence'], 160)}\n    + {safe(row['positive'], 160)}\n    x {safe(row['negative'], 160)}"
            )
    elif run.result:
        print("  " + ", ".join(f"{safe(name)} {safe(value)}" for name, value in run.result.items()))
    print(f"  log: {opened.log_path(run.id)}")


def filters_line(found: dict[str, Any] | None, run: Run) -> str:
    """What a run's latest filters did, in one line."""
    matched = run.result.get("contaminated")
    gate = "" if matched is None else f"; {matched} triplets match evaluation sets and are left out of training"
    if found is None:
        return f"filters: not applied (syncse filter {run.id}){gate}"
    counts = {name: said.get("drop", 0) for name, said in found["filters"].items()}
    drops = ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "none"
    late = f"; {found['unjudged']} came after them" if found["unjudged"] else ""
    return f"filters: {found['kept']} kept of {found['judged']}; dropped: {drops}{late}{gate}"


def cancel(options: argparse.Namespace) -> ExitCode:
    """One step of the cancel ladder."""
    with workspace(options, must_exist=True) as opened:
        step = opened.cancel(options.run)
        run = opened.run(options.run)
    if options.json:
        emit({"run": run.id, "cancel": step})
    else:
        print(f"{run.id}: {LADDER[step]}")
    return ExitCode.OK


def resume(options: argparse.Namespace) -> ExitCode:
    """Go on with a run and follow it."""
    take_part(options)
    with workspace(options, must_exist=True) as opened:
        run = opened.resume(options.run)
        if options.detach and run.state in OPEN:
            print(f"{run.id} goes on. Follow it: syncse show {run.id} --follow")
            return ExitCode.OK
        return follow(opened, run, options.json)
