"""Follows a run in the terminal: a progress line with rates and ETA, or JSONL; ctrl-C asks the run to save and stop."""

import sys
import time

from syncse_local.api import OPEN, Run, Workspace
from syncse_local.cli.output import emit, print_error
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe
from syncse_local.text.events import NEWS, event_line
from syncse_local.text.figures import clock

POLL = 0.2
"""Seconds between two looks at the run."""
BAR = 24
"""Characters of the bar: the line must fit 80 columns with rates and the time left."""
LADDER = {1: "asked to stop; saving", 2: "sent SIGTERM", 3: "sent SIGKILL"}


def follow(workspace: Workspace, run: Run, as_json: bool = False, may_cancel: bool = True) -> ExitCode:
    """Show a run until it ends; returns the exit code its end stands for.

    ctrl-C cancels the run (each press one step of the ladder); where `may_cancel` is False it only stops following.
    """
    seen, shown = 0, ""
    while True:
        try:
            seen = _events(workspace, run.id, seen, as_json)
            run = workspace.run(run.id)
            shown = _progress(run, shown, as_json)
            if run.state not in OPEN:
                break
            if not workspace.alive(run.id):
                workspace.runs(1)  # marks the run lost if its process is gone
            time.sleep(POLL)
        except KeyboardInterrupt:
            if not may_cancel:
                return ExitCode.INTERRUPTED
            if workspace.run(run.id).state in OPEN:
                step = workspace.cancel(run.id)
                print(f"\n{LADDER[step]} (ctrl-C again to press harder)", file=sys.stderr, flush=True)
    _events(workspace, run.id, seen, as_json)
    if not as_json and shown and sys.stderr.isatty():
        print(file=sys.stderr)
    return conclude(run, as_json)


def conclude(run: Run, as_json: bool) -> ExitCode:
    """Say how a run ended and return the exit code for it."""
    if as_json:
        emit({"run": run.id, "state": run.state, "result": run.result, "error": run.error, "blocked": run.blocked})
    if run.state == "done":
        return ExitCode.OK
    if run.state == "cancelled":
        if not as_json:
            print(f"{run.id} was stopped; what is finished is kept. Resume: syncse resume {run.id}", file=sys.stderr)
        return ExitCode.INTERRUPTED
    error = SyncseError.from_dict(run.error) if run.error else _lost(run)
    if not as_json:
        print_error(error)
    return error.code


def _lost(run: Run) -> SyncseError:
    detail = f"The process of run {run.id} is gone without a word."
    return SyncseError("The run was lost", detail, f"Resume it: syncse resume {run.id}")


def _events(workspace: Workspace, run_id: str, after: int, as_json: bool) -> int:
    for event in workspace.events(run_id, after):
        after = event["id"]
        if as_json:
            emit({"run": run_id, "time": event["time"], "event": event["kind"], "data": event["data"]})
        elif event["kind"] in NEWS:
            print(f"{_clear()}  {event_line(event['kind'], event['data'])}", file=sys.stderr, flush=True)
    return after


def _progress(run: Run, shown: str, as_json: bool) -> str:
    line = progress_line(run)
    if line == shown or not run.progress:
        return shown
    if as_json:
        emit({"run": run.id, "progress": run.progress})
    elif sys.stderr.isatty():
        print(f"{_clear()}{line}", end="", file=sys.stderr, flush=True)
    elif _coarse(line) != _coarse(shown):
        print(line, file=sys.stderr, flush=True)
    return line


def _coarse(line: str) -> str:
    """Where output is a file, a line is worth printing only when the bar's tenth changes."""
    share = line.partition("]")[2].partition("%")[0].strip()
    return str(int(share) // 10) if share.isdigit() else line[:8]


def _clear() -> str:
    return "\r\x1b[K" if sys.stderr.isatty() else ""


def progress_line(run: Run) -> str:
    """`generate  [####....]  40%  1,600/4,000  accepted 1,500 (51.0/s)  ETA 0:47`."""
    data = run.progress
    done, total = int(data.get("done", 0)), int(data.get("total", 0))
    share = done / total if total else 0.0
    parts = [
        f"{run.kind:<8} [{'#' * round(share * BAR):.<{BAR}}] {share:4.0%}",
        f"{done:,}/{total:,}" if total else f"{done:,}",
    ]
    phase = data.get("phase")
    if run.kind == "generate" and isinstance(phase, str) and not done:
        parts.append(safe(phase))
    if isinstance(shared := data.get("shared"), float) and done:
        parts.append(f"prefixes {shared:.0%} shared")
    if in_flight := data.get("in_flight"):
        tokens = int(data.get("tokens_read", 0)) + int(data.get("tokens_written", 0))
        parts.append(f"{in_flight} in flight" + ("" if done or not tokens else f", {tokens:,} tokens"))
    if done and "accepted" in data:
        parts.append(f"accepted {data['accepted']:,} ({data.get('accepted_per_second', 0)}/s)")
    if data.get("unanswered"):
        parts.append(f"no answer {data['unanswered']:,}")
    for name, label in (("loss", "loss"), ("best", "best dev"), ("triplets_per_second", "triplets/s"), ("task", "")):
        if data.get(name) is not None:
            value = data[name]
            parts.append(f"{label} {value:.4g}" if isinstance(value, float) else f"{label} {safe(value)}")
    if data.get("eta") is not None:
        parts.append(f"ETA {clock(float(data['eta']))}")
    return "  ".join(parts)
