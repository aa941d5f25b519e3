"""`syncse generate`: start a synthesis run and follow it."""

import argparse
import sys
from typing import Any

from syncse_local.cli.common import begun, job_flags, parser, settings, workspace
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.follow import follow
from syncse_local.errors import ExitCode
from syncse_local.prepare.generate import generate
from syncse_local.specs.generate import GenerateSpec
from syncse_local.text.display import safe


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "generate",
        "synthesise triplets from sentences, or from genres and topics",
        "syncse generate notes.txt --limit 500",
        run,
    )
    job_flags(made)
    add_fields(made, GenerateSpec)


def run(options: argparse.Namespace) -> ExitCode:
    """Check what can be checked at once, start the run, follow it."""
    ready = generate(spec_of(options, GenerateSpec), settings(options), told)
    with workspace(options) as opened:
        started = opened.start("generate", ready.to_options(), options.name)
        return begun(started, options.json) if options.detach else follow(opened, started, options.json)


def told(line: str) -> None:
    """What would leave this machine, on standard error."""
    print(safe(line), file=sys.stderr)
