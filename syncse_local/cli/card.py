"""`syncse card`: a trained encoder's model card from the store, with the scores that were made since."""

import argparse
import os
from pathlib import Path
from typing import Any

from syncse_local.cli.common import parser, workspace
from syncse_local.cli.output import emit
from syncse_local.errors import ExitCode, SyncseError


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(verbs, "card", "a trained encoder's model card", "syncse card t1124-0a1b2c --write", run)
    made.add_argument("run", metavar="RUN", help="the train run, or the beginning of its id")
    made.add_argument("--write", action="store_true", help="put it into the encoder's directory, as README.md")


def run(options: argparse.Namespace) -> ExitCode:
    """Print the card, or write it beside the weights."""
    with workspace(options, must_exist=True) as opened:
        record = opened.card(options.run)
    if options.write:
        path = Path(record["result"]["output"]) / "README.md"
        _replace(path, record["card"])
        print(path) if not options.json else emit({"written": str(path)})
    elif options.json:
        emit(record)
    else:
        print(record["card"], end="")
    return ExitCode.OK


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        detail = f"{path}: {error.strerror or error}."
        raise SyncseError("Cannot write the card", detail, "Is the encoder still there?", ExitCode.PREFLIGHT) from error
