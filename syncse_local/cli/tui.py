"""`syncse tui`, and `syncse` alone: the terminal UI."""

import argparse
import sys
from importlib import import_module
from typing import Any

from syncse_local.cli.common import parser, workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.paths import HERE

PACKED = HERE / "_tui"
"""Where a wheel has the terminal UI, which a checkout has beside this package (docs/decisions/packaging.md)."""


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(verbs, "tui", "the terminal UI (also the bare command)", "syncse tui --screen runs", run)
    made.add_argument("--screen", metavar="NAME", help="the screen to begin on: home, models, recipes, ...")


def run(options: argparse.Namespace) -> ExitCode:
    """Open the terminal UI on the workspace; runs go on when it closes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        detail = "Standard input or error is not a terminal, so nobody could see the UI or press its keys."
        raise SyncseError("No terminal", detail, "Every verb works without one: see `syncse -h`.", ExitCode.USAGE)
    if PACKED.is_dir():
        sys.modules["tui"] = import_module("syncse_local._tui")  # its own name, in this process alone
    from tui.app import SyncseApp  # the one place where the core opens its front end

    with workspace(options) as opened:
        first = {"first": options.screen} if options.screen else {}
        return ExitCode(SyncseApp(opened, **first).run() or 0)
