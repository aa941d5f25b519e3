"""Verbs that do several runs: each step is found again by its options, so that the verb continues where it was.

Left in the background, such a verb goes on in a session of its own, one at a time in a workspace.
"""

import argparse
import sys
from collections.abc import Generator
from typing import TypeVar

from syncse_local.api import OPEN, Run, Workspace
from syncse_local.cli.common import workspace
from syncse_local.cli.follow import follow
from syncse_local.cli.output import emit
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs import command
from syncse_local.prepare.pipeline import Step

Result = TypeVar("Result")


def follow_steps(
    opened: Workspace, options: argparse.Namespace, steps: Generator[Step, Run, Result]
) -> tuple[Result | None, ExitCode]:
    """Do the steps one after the other: what they come to, and OK; or None, and the exit code of the one that ended them."""
    try:
        wanted = next(steps)
        while True:
            run, code = _step(opened, options, wanted)
            if code:
                return None, code
            wanted = steps.send(run)
    except StopIteration as end:
        return end.value, ExitCode.OK


def _step(opened: Workspace, options: argparse.Namespace, wanted: Step) -> tuple[Run, ExitCode]:
    """The step's run, ended, and the exit code of its end."""
    run = opened.ensure(wanted.spec.KIND, wanted.spec.to_options(), wanted.name)
    if not options.json:
        state = "" if run.state in OPEN else " (done before)"
        print(f"{wanted.place} {wanted.name}: {run.id}{state}", flush=True)
    code = follow(opened, run, options.json) if run.state in OPEN else ExitCode.OK
    ended = opened.run(run.id)
    if ended.state == "incomplete" and not options.json:
        print("  The steps stop here. The same command goes on, and first asks for what is missing.", file=sys.stderr)
    return ended, code


def detach_flag(made: argparse.ArgumentParser) -> None:
    """The flag of verbs that `leave` can leave."""
    made.add_argument(
        "--detach", action=argparse.BooleanOptionalAction, default=False, help="go on in the background and return"
    )


def leave(options: argparse.Namespace, chosen: Settings) -> ExitCode:
    """Do the same in a session of its own. Raises SyncseError where one is at work."""
    with workspace(options) as opened:
        if opened.pipeline_alive():
            detail = "A command of several runs works in this workspace."
            raise SyncseError("Already at work", detail, "Follow it: syncse runs", ExitCode.NOTHING)
        pid = command.leave(
            [*(word for word in options.given if word != "--json"), "--no-detach"], opened.pipeline_log, chosen.airgap
        )
        told = {"pid": pid, "log": str(opened.pipeline_log)}
    emit(told) if options.json else print(f"Started. Follow it: syncse runs; its words go to {told['log']}")
    return ExitCode.OK
