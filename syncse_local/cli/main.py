"""`syncse`: finds the verb, sets the offline switches, turns errors into exit codes."""

import argparse
import sys
from collections.abc import Sequence

from syncse_local import __version__, airgap
from syncse_local.cli import (
    card,
    compare,
    doctor,
    evaluate,
    export,
    filter,
    generate,
    merge,
    models,
    pipeline,
    recipes,
    reparse,
    review,
    runs,
    train,
    triplets,
    tui,
)
from syncse_local.cli.output import print_error
from syncse_local.errors import ExitCode, SyncseError

VERBS = (
    generate,
    train,
    evaluate,
    card,
    pipeline,
    compare,
    runs,
    filter,
    reparse,
    triplets,
    review,
    export,
    merge,
    recipes,
    models,
    doctor,
    tui,
)


class _Parser(argparse.ArgumentParser):
    """Usage errors with the project's exit code and a next step."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise SyncseError("Wrong usage", message + ".", f"See `{self.prog} -h`.", ExitCode.USAGE)


def build() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="syncse",
        description="Synthesise contrastive triplets with local LLMs, train a sentence encoder, measure it. Offline.",
        epilog="example:\n  syncse run            the whole job with the bundled models\n  syncse                the terminal UI",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"syncse {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", parser_class=_Parser)
    for module in VERBS:
        module.add(verbs)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    airgap.set_switches()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = build().parse_args(given or ["tui"], argparse.Namespace(given=given))
        if not hasattr(options, "run_verb"):
            raise SyncseError("Wrong usage", "A verb is needed.", "See `syncse -h`.", ExitCode.USAGE)
        if options.airgap:
            airgap.install()
        return int(options.run_verb(options))
    except SyncseError as error:
        print_error(error, "--json" in given)
        return int(error.code)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone; there is nobody to tell
        return int(ExitCode.OK)


def entry() -> None:
    """The console script."""
    sys.exit(main())


if __name__ == "__main__":
    entry()
