"""One step of a verb that does several runs: the run is found again by its options, so that the verb continues where it was."""

import argparse
from collections.abc import Mapping
from typing import Any

from syncse_local.api import OPEN, Run, Workspace
from syncse_local.cli.follow import follow
from syncse_local.errors import ExitCode


def step(
    opened: Workspace, options: argparse.Namespace, kind: str, plan: Mapping[str, Any], title: str
) -> tuple[Run, ExitCode]:
    """The run of these options, ended, and the exit code of its end; `title` is as in `2/5 train`."""
    run = opened.ensure(kind, plan, title.partition(" ")[2])
    if not options.json:
        state = "" if run.state in OPEN else " (done before)"
        print(f"{title}: {run.id}{state}", flush=True)
    code = follow(opened, run, options.json) if run.state in OPEN else ExitCode.OK
    return opened.run(run.id), code
