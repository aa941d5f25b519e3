"""`syncse triplets`: a run's triplets by page, filter, sort and search, or all about one of them."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from syncse_local.api import TripletQuery, Workspace
from syncse_local.cli.common import parser, workspace
from syncse_local.cli.output import emit, table
from syncse_local.errors import ExitCode
from syncse_local.store.triplet_index import SORTS, STATES
from syncse_local.text.display import safe

SHOWN = 2_000
"""Characters of a text or a raw answer where one triplet is shown."""
WIDTH = 48
"""Characters of a text in the list: three of them and the figures make a line of a wide terminal."""
COLUMNS = ("ordinal", "state", "reason", "prompt", "sentence", "positive", "negative")


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    example = "syncse triplets g1124-0a1b2c --state rejected --search guitar"
    made = parser(verbs, "triplets", "look at triplets: page, filter, sort, search, or all about one", example, run)
    made.add_argument("run", help="a generate run")
    made.add_argument("triplet", nargs="?", type=int, help="all about the triplet with this number")
    made.add_argument("--state", default="", choices=STATES, help="only those in this state")
    made.add_argument("--reason", default="", help="only those with this reason: a parser's, or a filter's name")
    made.add_argument("--prompt", default="", help="only those whose positive has this prompt")
    made.add_argument(
        "--reviewed", default="", choices=("yes", "no"), help="only those that a person decided on, or not"
    )
    made.add_argument("--search", default="", help='words that must all occur; "guit*" for any ending')
    made.add_argument("--sort", default="plan", choices=SORTS, help="by this (default: the plan's order)")
    made.add_argument("--falling", action="store_true", help="the largest or last first")
    made.add_argument("--start", type=int, default=0, metavar="N", help="leave out the first N")
    made.add_argument("--limit", type=int, default=20, metavar="N", help="show N (default: 20)")
    made.add_argument("--count", action="store_true", help="only count them, by state and reason")
    made.add_argument("--refresh", action="store_true", help="only take up what is new, and say how much that was")


def run(options: argparse.Namespace) -> ExitCode:
    """Show one, a page, or the counts; each first takes up what is new."""
    with workspace(options, must_exist=True) as opened:
        changed = opened.refresh_triplets(options.run)
        if options.refresh:
            emit({"changed": changed}) if options.json else print(f"{changed:,} triplets are new or changed")
            return ExitCode.OK
        if options.triplet is not None:
            return _one(opened.triplet(options.run, options.triplet), options.json)
        return _count(opened, options) if options.count else _page(opened, options)


def _page(opened: Workspace, options: argparse.Namespace) -> ExitCode:
    query = TripletQuery(
        *(opened.run(options.run).id, options.state, options.reason, options.prompt, options.search),
        *(options.sort, options.falling, options.reviewed),
    )
    found = opened.triplet_page(query, options.start, max(0, options.limit))
    if options.json:
        for card in found:
            emit(card)
        return ExitCode.OK if found else ExitCode.NOTHING
    if found:
        print(table(COLUMNS, ([safe(card[name], WIDTH) for name in COLUMNS] for card in found)))
    print(f"{len(found):,} of {opened.triplet_count(query):,} triplets")
    return ExitCode.OK if found else ExitCode.NOTHING


def _count(opened: Workspace, options: argparse.Namespace) -> ExitCode:
    names = ("state", "reason", "triplets")
    rows = [dict(zip(names, row, strict=True)) for row in opened.triplet_reasons(options.run)]
    if options.json:
        for row in rows:
            emit(row)
    else:
        print(table(names, ([row["state"], row["reason"] or "-", f"{row['triplets']:,}"] for row in rows)))
    return ExitCode.OK if rows else ExitCode.NOTHING


def _one(found: dict[str, Any], as_json: bool) -> ExitCode:
    if as_json:
        emit(found)
    else:
        print("\n".join(map(safe, _described(found))))
    return ExitCode.OK


def _described(found: Mapping[str, Any]) -> Iterator[str]:
    verdict = f"{found['state']} {found['reason']}".strip()
    yield f"triplet {found['ordinal']} of {found['run_id']}: {verdict}"
    for name in ("sentence", "positive", "negative"):
        yield f"{name:>10}  {safe(found[name], SHOWN)}"
    for said in found["reviews"]:
        yield f"{'review':>10}  {said['action']} by {safe(said['author'], 80)} {safe(said['note'], 200)}".rstrip()
    for said in found["filters"]:
        score = "" if said["score"] is None else f" {said['score']:.4g}"
        yield f"{'filter':>10}  {safe(said['filter'], 40)}: {said['verdict']}{score} {safe(said['reason'], 200)}".rstrip()
    for half in found["halves"]:
        verdict = f"{half['verdict']} {half['reason']}".strip()
        yield f"== {half['role']}  {half['context_id']}  seed {half['seed']}  {half['finish']}  {verdict}"
        yield f"{'raw':>10}  {safe(half['raw'], SHOWN)}"
        if half["error"]:
            yield f"{'reason':>10}  {safe(half['error'], SHOWN)}"
        for message in half["messages"]:
            yield f"[{message['role']}] {safe(message['content'], SHOWN)}"
        if half["note"]:
            yield half["note"]
