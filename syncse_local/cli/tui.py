"""`syncse tui`, and `syncse` alone: the terminal UI."""

import argparse
from typing import Any

from syncse_local.cli.common import parser, workspace
from syncse_local.errors import ExitCode


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser(verbs, "tui", "the terminal UI (also the bare command)", "syncse tui", run)


def run(options: argparse.Namespace) -> ExitCode:
    """Open the terminal UI on the workspace; runs go on when it closes."""
    from tui.app import SyncseApp  # the one place where the core opens its front end

    with workspace(options) as opened:
        return ExitCode(SyncseApp(opened).run() or 0)
