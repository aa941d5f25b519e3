"""`syncse export`: a run's triplets, as its filters left them, as CSV, JSONL or Parquet."""

import argparse
import sys
from pathlib import Path
from typing import Any

from syncse_local.cli.common import parser, workspace
from syncse_local.cli.output import emit
from syncse_local.errors import ExitCode
from syncse_local.records import Triplet
from syncse_local.text.display import safe
from syncse_local.text.export import write_rows, write_triplets


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(verbs, "export", "write triplets to a file", "syncse export g1124-0a1b2c triplets.csv", run)
    made.add_argument("runs", nargs="+", metavar="RUN", help="generate runs")
    made.add_argument("file", help="ends in .csv (sent0,sent1,hard_neg), .jsonl or .parquet (anchor,positive,negative)")
    made.add_argument("--format", choices=("csv", "jsonl", "parquet"), help="instead of the file's ending")
    made.add_argument("--force", action="store_true", help="replace the file if it exists")
    made.add_argument(
        "--unfiltered", action="store_true", help="also the accepted triplets that the run's filters drop"
    )
    made.add_argument("--full", action="store_true", help="every column and the rejected rows too, with their reasons")


def run(options: argparse.Namespace) -> ExitCode:
    """Stream the triplets to the file."""
    path = Path(options.file).expanduser()
    with workspace(options, must_exist=True) as opened:
        for name in options.runs:
            if missing := sum(kind["requests"] for kind in opened.unanswered(name)):
                print(f"{safe(name)} is not complete: {missing:,} of its requests have no answer", file=sys.stderr)
        rows = opened.triplets(options.runs, not options.full, filtered=not options.unfiltered)
        if options.full:
            count = write_rows(rows, path, options.format, overwrite=options.force)
        else:
            triplets = (Triplet(row["sentence"], row["positive"], row["negative"]) for row in rows)
            count = write_triplets(triplets, path, options.format, overwrite=options.force)
    if options.json:
        emit({"file": str(path.resolve()), "rows": count})
    else:
        print(f"{count} rows in {path}")
    return ExitCode.OK
