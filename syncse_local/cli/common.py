"""Flags that several verbs share, and how they become settings and a workspace. Knows no verb."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from syncse_local import airgap, config
from syncse_local.api import Workspace
from syncse_local.cli.output import emit
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs.launcher import launched


def parser(verbs: Any, name: str, summary: str, example: str, run: Any) -> argparse.ArgumentParser:
    """A verb's parser with the common flags, its example in the help."""
    made: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(run_verb=run)
    made.add_argument("-w", "--workspace", metavar="DIR", help="the workspace directory (default: ./workspace)")
    made.add_argument("--json", action="store_true", help="print JSON, one document a line")
    made.add_argument(
        "--airgap", action="store_true", default=None, help="refuse and count every connection beyond loopback"
    )
    made.add_argument(  # argparse takes the whole word first; with a value of its own the flag would swallow a file name
        "--airgap=strict",
        dest="isolation",
        action="store_const",
        const="strict",
        help="the same, and start no run where the kernel cannot shut the network",
    )
    return made


def job_flags(made: argparse.ArgumentParser) -> None:
    """Flags of verbs that start a run."""
    made.add_argument("--detach", action="store_true", help="start the run and return; follow it with `syncse show`")
    made.add_argument("--name", default="", help="a name for the run")


def settings(options: argparse.Namespace) -> config.Settings:
    """The settings that this command line, the environment and the files amount to."""
    given = {name: getattr(options, name, None) for name in config.TYPES}
    return config.load(given)


def workspace(options: argparse.Namespace, must_exist: bool = False) -> Workspace:
    """The workspace the command is about; `must_exist` for verbs that only look."""
    chosen = settings(options)
    directory = Path(chosen.workspace)
    if must_exist and not (directory / "syncse.db").exists():
        raise SyncseError(
            "No workspace here",
            f"{directory.resolve()} has no syncse.db.",
            "Start a run (`syncse run`), or name the workspace with --workspace DIR.",
            ExitCode.NOTHING,
        )
    return Workspace(directory, chosen)


def take_part(options: argparse.Namespace) -> None:
    """Under `torchrun` or `accelerate launch`, any rank but the first becomes a helper of rank 0's training, for good."""
    if launched(os.environ) and os.environ["RANK"] != "0":
        words = [sys.executable, "-m", "syncse_local.training.follower"]
        os.execve(sys.executable, words, airgap.environment(bool(options.airgap)))  # the launcher's signals reach it


def begun(run: Any, as_json: bool) -> ExitCode:
    """Say that a run was started and left to itself."""
    if as_json:
        emit({"run": run.id, "state": run.state})
    else:
        print(f"{run.id} started. Follow it: syncse show {run.id} --follow")
    return ExitCode.OK
