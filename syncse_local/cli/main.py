"""`syncse`: all its verbs."""

import argparse
import sys
from collections.abc import Sequence

from syncse_local.cli import (
    calibrate,
    card,
    compare,
    doctor,
    evaluate,
    export,
    filter,
    generate,
    merge,
    models,
    pack,
    program,
    recipes,
    reparse,
    report,
    results,
    review,
    run,
    runs,
    study,
    train,
    triplets,
    try_out,
    tui,
)

VERBS = (
    try_out,
    generate,
    train,
    evaluate,
    card,
    run,
    compare,
    study,
    calibrate,
    results,
    runs,
    filter,
    report,
    reparse,
    triplets,
    review,
    export,
    merge,
    pack,
    recipes,
    models,
    doctor,
    tui,
)


def build() -> argparse.ArgumentParser:
    """The whole command line."""
    return program.build(VERBS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    return program.run(VERBS, sys.argv[1:] if arguments is None else arguments)


def entry() -> None:
    """The command with all its verbs."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
