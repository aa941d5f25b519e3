"""`syncse results`: the scores of eval runs as MTEB's files, CSV, Markdown, LaTeX or JSON."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from syncse_local.cli.common import parser, workspace
from syncse_local.cli.output import emit
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.results import mteb, sheets
from syncse_local.results.files import write
from syncse_local.results.tables import FORMATS, render
from syncse_local.text.display import safe

MTEB = "mtebjson"


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "results",
        "write the scores of eval runs as MTEB's files, CSV, Markdown, LaTeX or JSON",
        "syncse results e1124-0a1b2c --format mtebjson --output results",
        run,
    )
    made.add_argument("runs", nargs="+", metavar="RUN", help="eval runs, by id or name")
    made.add_argument("--format", choices=(*FORMATS, MTEB, "json"), default="markdown", help="(default: markdown)")
    made.add_argument("--output", metavar="PATH", help="a file, for mtebjson a directory (default: the terminal)")
    made.add_argument("--org", default="local", help="mtebjson: what stands before the model's name (default: local)")
    made.add_argument("--force", action="store_true", help="replace files that are there")


def run(options: argparse.Namespace) -> ExitCode:
    """Write the results, or print them."""
    form = options.format
    with workspace(options, must_exist=True) as opened:
        records = opened.results(options.runs)
    if form == MTEB:
        return _mteb(options, records)
    if options.json and not options.output:
        emit(records)
        return ExitCode.OK
    text = json.dumps(records, indent=2, ensure_ascii=True) if form == "json" else "\n".join(_lines(form, records))
    if not options.output:
        print(text)
        return ExitCode.OK
    return _said(options, write({Path(options.output).expanduser(): text + "\n"}, options.force))


def _mteb(options: argparse.Namespace, records: Sequence[dict[str, Any]]) -> ExitCode:
    if not options.output:
        detail = "MTEB's layout is a directory."
        raise SyncseError("Where to?", detail, "Name it with --output DIR.", ExitCode.USAGE)
    directory = Path(options.output).expanduser()
    found = {directory / path: text for path, text in mteb.files(records, options.org).items()}
    return _said(options, write(found, options.force))


def _lines(form: str, records: Sequence[dict[str, Any]]) -> list[str]:
    """CSV is one table of figures; Markdown and LaTeX have a block a metric, its protocol below it."""
    if form == "csv":
        return [render(form, sheets.figures(records))]
    comment = "% " if form == "latex" else ""
    lines = []
    for protocol, table in sheets.blocks(records):
        lines += [render(form, table), "", f"{comment}{protocol}", ""]
    return lines + [f"{comment}{safe(line)}" for line in sheets.remarks(records)]


def _said(options: argparse.Namespace, paths: Sequence[Path]) -> ExitCode:
    if options.json:
        emit({"files": [str(path.resolve()) for path in paths]})
    else:
        print("\n".join(map(str, paths)))
    return ExitCode.OK
