"""Builds the command line of some verbs, sets the offline switches, turns errors into exit codes. Knows no verb."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from syncse_local import __version__, airgap
from syncse_local.cli import streams
from syncse_local.cli.output import print_error
from syncse_local.errors import ExitCode, SyncseError, refused


class _Parser(argparse.ArgumentParser):
    """Usage errors with the project's exit code and a next step."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise SyncseError("Wrong usage", message + ".", f"See `{self.prog} -h`.", ExitCode.USAGE)


def build(verbs: Iterable[Any]) -> argparse.ArgumentParser:
    """The command line with these verbs: modules with a function `add`."""
    parser = _Parser(
        prog="syncse",
        description="Synthesise contrastive triplets with local LLMs, train a sentence encoder, measure it. Offline.",
        epilog="example:\n  syncse run            the whole job with the bundled models\n  syncse                the terminal UI",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"syncse {__version__}")
    added = parser.add_subparsers(title="verbs", metavar="VERB", parser_class=_Parser)
    for module in verbs:
        module.add(added)
    return parser


def verb_first(given: Sequence[str]) -> list[str]:
    """The words with a workspace that was named before the verb behind it; without a verb the terminal UI is meant."""
    count = 2 if given[:1] in (["-w"], ["--workspace"]) else int(bool(given) and given[0].startswith("--workspace="))
    place, rest = list(given[:count]), list(given[count:])
    if not place:
        return rest
    verb = [] if not rest or rest[0].startswith("-") else [rest.pop(0)]
    return [*(verb or ["tui"]), *place, *rest]


def run(verbs: Iterable[Any], arguments: Sequence[str]) -> int:
    """Run one command of these verbs; returns its exit code."""
    streams.make_usable()
    airgap.set_switches()
    given = list(arguments)
    try:
        streams.interrupts_are_raised()
        code = _run(verbs, given)
        sys.stdout.flush()
        return code
    except SyncseError as error:
        found = error
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        streams.output_goes_nowhere()  # the reader has gone; there is nobody to tell
        return int(ExitCode.OK)
    except OSError as error:
        streams.output_goes_nowhere() if error.filename is None else None
        found = refused(error)
    print_error(found, "--json" in given)
    return int(found.code)


def _run(verbs: Iterable[Any], given: list[str]) -> int:
    try:
        os.getcwd()
    except OSError:
        detail = "It was removed while this shell was in it."
        hint = "Go to another one: cd."
        raise SyncseError("The working directory is gone", detail, hint, ExitCode.PREFLIGHT) from None
    options = build(verbs).parse_args(given or ["tui"], argparse.Namespace(given=given))
    if not hasattr(options, "run_verb"):
        raise SyncseError("Wrong usage", "A verb is needed.", "See `syncse -h`.", ExitCode.USAGE)
    if options.isolation == "strict":
        options.airgap = True
        os.environ["SYNCSE_ISOLATION"] = "strict"  # for the commands that the terminal UI starts
    if options.airgap:
        airgap.install()
    return int(options.run_verb(options))
