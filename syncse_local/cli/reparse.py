"""`syncse reparse`: this program's parser over a run's stored raw answers; what differs is listed before it is taken."""

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import Any

from syncse_local.api import OPEN
from syncse_local.cli.common import parser, workspace
from syncse_local.cli.output import emit
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store.ledger import Outcome
from syncse_local.synthesis import reparse
from syncse_local.synthesis.parse import PARSER_VERSION
from syncse_local.text.display import safe

SHOWN = 20
"""Differences that are printed; `--json` has all."""


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "reparse",
        "read a run's raw answers with this program's parser",
        "syncse reparse g1124-0a1b2c --dry-run",
        run,
    )
    made.add_argument("run", help="a generate run")
    made.add_argument("--dry-run", action="store_true", help="list the differences and take none")


def run(options: argparse.Namespace) -> ExitCode:
    """List the differences, then take them."""
    with workspace(options, must_exist=True) as opened:
        target = opened.run(options.run)
        if target.state in OPEN:
            hint = "Wait for it, or cancel it first."
            raise SyncseError("The run is at work", f"Run {target.id} is {target.state}.", hint, ExitCode.USAGE)
        read, changes = 0, Counter[str]()
        for found in reparse.reread(opened.connection, target):
            read += 1
            if found.differs:
                changes[_kind(found)] += 1
                _list(found, options.json, changes.total())
        if not read:
            detail = f"Every answer of {target.id} was read by parser {PARSER_VERSION}, which is this program's."
            raise SyncseError("Nothing to parse again", detail, "A newer program may read more.", ExitCode.NOTHING)
        outdated = [] if options.dry_run else reparse.take(opened.connection, target)
    figures = {
        "run": target.id,
        "parser": PARSER_VERSION,
        "read": read,
        "differ": changes.total(),
        "changes": dict(changes),
    }
    if options.json:
        emit({**figures, "taken": not options.dry_run, "filters_outdated": outdated})
        return ExitCode.OK
    print(f"{target.id}: {read} answers read by parser {PARSER_VERSION}, {changes.total()} differ")
    print("".join(f"  {name}: {count}\n" for name, count in changes.most_common()), end="")
    print("Nothing was stored." if options.dry_run else "Taken; the old parses are kept.")
    for name in outdated:
        print(f"The filters of {name} judged the old texts and are set aside: syncse filter {name}")
    return ExitCode.OK


def _kind(found: reparse.Reread) -> str:
    before, after = _said(found.old.outcomes), _said(found.new)
    return f"{before} -> {after}" if before != after else "another text"


def _said(outcomes: Sequence[Outcome]) -> str:
    if len(outcomes) != 1:
        return f"{sum(not o.failure for o in outcomes)} of {len(outcomes)} sentences"
    return outcomes[0].failure or "accepted"


def _list(found: reparse.Reread, as_json: bool, number: int) -> None:
    old, new = found.old, found.new
    if as_json:
        texts = {
            name: [[o.text, o.failure] for o in outcomes] for name, outcomes in (("old", old.outcomes), ("new", new))
        }
        emit({"request": old.row.key, "role": old.row.role, "turn": old.row.turn, "version": old.version, **texts})
    elif number <= SHOWN:
        print(f"[{_kind(found)}] {old.row.prompt_id} | {safe(old.row.turn, 160)}")
        for sign, outcomes in (("-", old.outcomes), ("+", new)):
            print(f"    {sign} {safe(' / '.join(o.text for o in outcomes), 200)}")
    elif number == SHOWN + 1:
        print("  ... (the rest with --json)")
