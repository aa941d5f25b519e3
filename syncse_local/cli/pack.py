"""`syncse pack` and `syncse unpack`: results, encoders and models across an air gap in one file."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.cli.common import parser
from syncse_local.cli.output import emit
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.packs.database import CHOICES
from syncse_local.text.display import safe
from syncse_local.text.figures import size

if TYPE_CHECKING:
    from syncse_local.packs.container import Listing
    from syncse_local.packs.making import Contents


def add(verbs: Any) -> None:
    """Add the verbs to the command line."""
    made = parser(
        verbs, "pack", "put a workspace, an encoder or a model into one file", "syncse pack workspace -o w.syncse", pack
    )
    made.add_argument("what", metavar="PLACE", help="a workspace, an encoder's or a model's folder, or a .gguf file")
    made.add_argument("-o", "--output", required=True, metavar="FILE", help="the file to write, such as w.syncse")
    made.add_argument(
        "--texts", choices=CHOICES, default="none", help="which texts of a workspace leave (default: none)"
    )
    made.add_argument("-y", "--yes", action="store_true", help="the texts that are shown may leave")
    made.add_argument("--dry-run", action="store_true", help="say what would leave, and write nothing")
    taken = parser(verbs, "unpack", "verify a pack and write what it holds", "syncse unpack w.syncse -o w", unpack)
    taken.add_argument("pack", metavar="FILE", help="what `syncse pack` wrote")
    taken.add_argument(
        "-o", "--output", metavar="DIR", help="a folder that is not there yet (default: the pack's name)"
    )
    taken.add_argument("--dry-run", action="store_true", help="verify it and say what it holds, and write nothing")


def pack(options: argparse.Namespace) -> ExitCode:
    """Say what would leave, and write it. Raises SyncseError (USAGE) where texts would leave and nobody agreed."""
    from syncse_local.packs import container, making

    target = Path(options.output)
    with making.contents(Path(options.what), options.texts) as found:
        leaving = found.rows.get("sentence", 0)
        if options.json:
            emit({"leaves": _about(found.listing), "rows": dict(found.rows), "samples": list(found.samples)})
        else:
            _show(found)
        if options.dry_run:
            return ExitCode.OK
        if leaving and not (options.yes or _agreed(leaving)):
            hint = "Look at the samples above; add --yes if they may leave, or --texts none."
            detail = f"{leaving} sentences with what was made of them would be in the pack."
            raise SyncseError("Texts would leave", detail, hint, ExitCode.USAGE)
        try:
            kept = container.write(found.listing, found.files, target)
        except OSError as error:
            detail = f"{target}: {error.strerror or error}."
            hint = "Free some space and call it again: it goes on where it was."
            raise SyncseError("The pack cannot be written", detail, hint) from error
    if options.json:
        emit({"pack": str(target), "identity": found.listing.identity, "kept": kept})
    else:
        print(f"{safe(target)}: {size(target.stat().st_size)}, SHA-256 of its list {found.listing.identity}")
    return ExitCode.OK


def _agreed(leaving: int) -> bool:
    if not sys.stdin.isatty():
        return False
    print(f"May these {leaving} sentences and their triplets leave? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _show(found: "Contents") -> None:
    from syncse_local.packs import making

    listing = found.listing
    print(f"{listing.kind} {safe(listing.name)}: {len(listing.files)} files, {size(listing.size)}")
    if found.rows:
        print("  rows that leave: " + ", ".join(f"{name} {count}" for name, count in found.rows.items() if count))
        print(f"  texts: {safe(listing.about['texts'])}")
    for row in found.samples:
        print(
            f"  - {safe(row['sentence'], 160)}\n    + {safe(row['positive'], 160)}\n    x {safe(row['negative'], 160)}"
        )
    if risky := making.code(listing):
        print(f"  files that can run: {', '.join(safe(name, 80) for name in risky[:5])}")


def unpack(options: argparse.Namespace) -> ExitCode:
    """Verify every byte, say what it is, then write."""
    from syncse_local.packs import making, taking

    with taking.opened(Path(options.pack)) as (pack, listing):
        taking.verified(pack, listing)
        target = Path(options.output or listing.name)
        there = 0 if options.dry_run else taking.unpack(pack, listing, target)
    if options.json:
        emit({**_about(listing), "written": None if options.dry_run else str(target), "kept": there})
        return ExitCode.OK
    print(
        f"{listing.kind} {safe(listing.name)}: {len(listing.files)} files, {size(listing.size)}, each as it was packed"
    )
    print(f"  made by {safe(listing.about.get('made_by', '?'), 80)}; SHA-256 of its list {listing.identity}")
    if risky := making.code(listing):
        print(
            f"  files that can run: {', '.join(safe(name, 80) for name in risky[:5])}; nothing of syncse runs them unasked"
        )
    if not options.dry_run:
        print(f"  written to {safe(target)}{_next(listing)}")
    return ExitCode.OK


def _next(listing: "Listing") -> str:
    if listing.kind == "workspace":
        return "; its runs are somebody else's: look at them, and adopt what you want to go on with"
    return ""


def _about(listing: "Listing") -> Mapping[str, Any]:
    files = {entry.path: {"size": entry.size, "sha256": entry.sha256} for entry in listing.files}
    named = {"kind": listing.kind, "name": listing.name, "about": dict(listing.about)}
    return {**named, "identity": listing.identity, "files": files}
