"""`syncse review`: a person's decisions on a run's triplets, one by one or over a sample, and how far raters agree.

The sample asks line by line, so it works over any connection; each answer is stored before the next question.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from typing import Any

from syncse_local.api import BY_PERSONS, TripletQuery, Workspace
from syncse_local.cli.common import parser, workspace
from syncse_local.cli.output import emit, print_error, table
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe
from syncse_local.text.figures import moment

SHOWN = 2_000
"""Characters of a text: an accepted one is far shorter."""
KEYS = {"a": "accept", "r": "reject", "e": "edit", "u": "undo the last one", "s": "skip", "q": "stop"}
FLAGS = ("accept", "reject", "edit", "undo")


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    example = "syncse review g1124-0a1b2c --sample 20"
    made = parser(verbs, "review", "accept, reject or edit triplets by hand", example, run)
    made.add_argument("run", help="a generate run")
    what = made.add_mutually_exclusive_group()
    for name in FLAGS:
        said = (
            "take back your last decision on this triplet" if name == "undo" else f"{name} the triplet with this number"
        )
        what.add_argument(f"--{name}", type=int, metavar="N", help=said)
    what.add_argument("--list", action="store_true", help="every standing decision (the default)")
    what.add_argument("--agreement", action="store_true", help="kappa and Spearman between persons, and with judges")
    what.add_argument("--sample", type=int, metavar="COUNT", help="ask about this many triplets, drawn by --seed")
    made.add_argument("--seed", type=int, default=1, help="which triplets the sample draws")
    made.add_argument("--positive", default="", help="the positive, with --edit")
    made.add_argument("--negative", default="", help="the hard negative, with --edit")
    made.add_argument("--note", default="", help="a remark that is stored with the decision")
    made.add_argument("--author", default="", help="who says so (default: your user name)")


def run(options: argparse.Namespace) -> ExitCode:
    """Store a decision, ask about a sample, or show what is there."""
    with workspace(options, must_exist=True) as opened:
        for name in FLAGS:
            if getattr(options, name) is not None:
                return _decide(opened, options, name, getattr(options, name))
        if options.sample is not None:
            return _ask(opened, options)
        return _agreement(opened, options) if options.agreement else _list(opened, options)


def _decide(opened: Workspace, options: argparse.Namespace, action: str, ordinal: int) -> ExitCode:
    if action == "undo":
        taken = opened.undo_review(options.run, ordinal, options.author)
        told: dict[str, Any] = {"triplet": ordinal, "undone": taken["action"]}
    else:
        texts = (options.positive, options.negative)
        opened.review(options.run, ordinal, action, *texts, options.note, options.author)
        told = {"triplet": ordinal, "decision": action}
    emit(told) if options.json else print(", ".join(f"{name} {value}" for name, value in told.items()))
    return ExitCode.OK


def _list(opened: Workspace, options: argparse.Namespace) -> ExitCode:
    rows = opened.reviews(options.run)
    if options.json:
        for row in rows:
            emit(row)
    elif rows:
        shown = ([r["ordinal"], r["action"], r["author"], moment(r["created"]), safe(r["sentence"], 60)] for r in rows)
        print(table(("triplet", "decision", "author", "when", "sentence"), shown))
    else:
        print("No decision yet. Try: syncse review RUN --sample 20")
    return ExitCode.OK if rows else ExitCode.NOTHING


def _agreement(opened: Workspace, options: argparse.Namespace) -> ExitCode:
    rows = opened.agreement(options.run)
    if options.json:
        for row in rows:
            emit(row)
        return ExitCode.OK if rows else ExitCode.NOTHING
    if not rows:
        print(
            "Nothing to compare: it takes the decisions of two persons, or of one and a judge's scores (`syncse filter`)."
        )
        return ExitCode.NOTHING
    names = ("first", "second", "triplets", "agree", "kappa", "spearman")
    print(table(names, ([row[name] for name in names] for row in rows)))
    if not all(row["enough"] for row in rows):
        print("Too few triplets in common for a figure where none is shown.")
    return ExitCode.OK


def _ask(opened: Workspace, options: argparse.Namespace) -> ExitCode:
    """Ask about a sample of the triplets that nobody has decided on."""
    opened.refresh_triplets(options.run)
    query = TripletQuery(opened.run(options.run).id)
    known = opened.triplet_outline(query)
    places = list(range(known.total))
    random.Random(options.seed).shuffle(places)
    fresh = (
        card
        for place in places
        for card in opened.triplet_page(query, place, 1, known)
        if card["reason"] not in BY_PERSONS
    )
    if not options.json:
        print("  ".join(f"{key}: {what}" for key, what in KEYS.items()), file=sys.stderr)
    done: list[int] = []
    for number, card in enumerate(_first(fresh, options.sample), 1):
        if not _one(opened, options, card, f"{number} of {options.sample}", done):
            break
    emit({"decided": len(done)}) if options.json else print(f"{len(done)} decided")
    return ExitCode.OK if done else ExitCode.NOTHING


def _first(cards: Iterator[dict[str, Any]], count: int) -> Iterator[dict[str, Any]]:
    for _, card in zip(range(count), cards, strict=False):
        yield card


def _one(opened: Workspace, options: argparse.Namespace, card: dict[str, Any], where: str, done: list[int]) -> bool:
    """Ask until the triplet is decided or skipped; False to stop. End of input stops."""
    for name, text in (("", where), *((n, card[n]) for n in ("sentence", "positive", "negative"))):
        print(f"{name:>10}  {safe(text, SHOWN)}", file=sys.stderr)
    while True:
        print("a/r/e/u/s/q? ", end="", file=sys.stderr, flush=True)
        key = (line := sys.stdin.readline()).strip().lower()[:1]
        if not line or key == "q":
            return False
        if key == "s":
            return True
        try:
            if key in ("a", "r", "e"):
                texts = (_text("positive", card), _text("negative", card)) if key == "e" else ("", "")
                opened.review(options.run, card["ordinal"], KEYS[key], *texts, options.note, options.author)
                done.append(card["ordinal"])
                return True
            if key == "u" and done:
                opened.undo_review(options.run, done[-1], options.author)
                print(f"triplet {done.pop()}: taken back", file=sys.stderr)
        except SyncseError as error:
            print_error(error)


def _text(name: str, card: dict[str, Any]) -> str:
    """A new text; an empty line keeps the old one."""
    print(f"{name} (empty: as it is): ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() or str(card[name])
