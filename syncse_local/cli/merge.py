"""`syncse merge`: join workspaces, so that shards made on several machines become one corpus."""

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from syncse_local.api import Workspace
from syncse_local.cli.common import parser, settings
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.output import emit, table
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.specs.pipeline import MergeSpec
from syncse_local.store.merging.source import FILE, require
from syncse_local.store.merging.tables import Merged
from syncse_local.text.display import safe

SHOWN = ("run", "request", "response", "decision", "verdict")


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "merge",
        "join workspaces: requests, answers, decisions, filters and runs, each once",
        "syncse merge corpus shard-1 shard-2 shard-3",
        run,
    )
    add_fields(made, MergeSpec)


def run(options: argparse.Namespace) -> ExitCode:
    """Merge one source after the other and print what each brought."""
    if options.workspace:
        detail = f"DEST is {options.target}, and --workspace names {options.workspace}."
        raise SyncseError("Two places to merge into", detail, "Leave --workspace away.", ExitCode.USAGE)
    spec = spec_of(options, MergeSpec)
    target = Path(spec.target).expanduser()
    sources = [Path(source).expanduser() for source in spec.sources]
    for source in sources:
        require(source / FILE)  # before DEST is made
    with ExitStack() as stack:
        if spec.dry_run and not (target / FILE).exists():
            target = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="syncse-merge-")))
        opened = stack.enter_context(Workspace(target, settings(options)))
        merged = opened.merge(sources, spec.dry_run, _silent if options.json else _tell)
    if options.json:
        for found in merged:
            emit({"dry_run": spec.dry_run, "into": str(Path(spec.target).resolve()), **found.to_dict()})
    else:
        _print(merged, spec.dry_run)
    if not any(found.runs or found.known or found.new.get("request") for found in merged):
        raise SyncseError("Nothing to merge", "No source has a run.", "Name other workspaces.", ExitCode.NOTHING)
    return ExitCode.OK


def _tell(source: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{safe(source)}: {done:,} of {total:,} requests", end="", file=sys.stderr, flush=True)


def _silent(_source: str, _done: int, _total: int) -> None:
    return None


def _print(merged: list[Merged], dry_run: bool) -> None:
    if sys.stderr.isatty():
        print(file=sys.stderr)
    rows = [[safe(m.source), *(m.new.get(name, 0) for name in SHOWN), m.known, m.conflicts] for m in merged]
    header = ["source", *(f"new {name}s" for name in SHOWN), "requests known", "conflicts"]
    print(table(header, rows))
    for found in merged:
        for key in found.conflicting:
            print(f"{safe(found.source)}: another answer to request {safe(key)}: the first one was kept")
        for name in found.open:
            print(f"{safe(found.source)}: run {safe(name)} was at work; merge again when it has ended")
        for old, new in found.renamed.items():
            print(f"{safe(found.source)}: run {safe(old)} is called {safe(new)} here, where another run has its id")
    if dry_run:
        print("Nothing was stored.")
