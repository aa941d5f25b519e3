"""What a run whose model is no file here needs before it starts: a name, and consent where rows leave this machine.

Asks no server; the worker does.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syncse_local.backends.spec import BackendSpec
from syncse_local.cli.common import existing
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe
from syncse_local.text.ingest import open_input, reading


def named_model(chosen: Settings, spec: BackendSpec) -> str:
    """The model's name, the engine's own where it needs no model. Raises SyncseError (USAGE) where a server's is missing."""
    if spec.model == "none":
        return spec.name
    if not chosen.model:
        hint = "Add --model NAME, as the server calls it."
        raise SyncseError("Which model?", "A server may hold several models.", hint, ExitCode.USAGE)
    return chosen.model


def consent(
    options: argparse.Namespace, chosen: Settings, spec: BackendSpec, engine: dict[str, Any], calls: int
) -> dict[str, Any]:
    """The engine's options that say what was agreed to; shows what leaves this machine, if anything does.

    `calls` are the requests for each sentence. Raises SyncseError: BLOCKED under the air-gap policy, USAGE without
    consent, with what would leave.
    """
    found = spec.leaving(engine, _sentences(options), calls, chosen.airgap) if spec.leaving else None
    if found is None:
        return {}
    if not options.allow_remote:
        raise found.refusal()
    for line in found.lines():
        print(safe(line), file=sys.stderr)
    return {"allow_remote": True}


def _sentences(options: argparse.Namespace) -> Iterator[str]:
    """The sentences of the input, up to the limit; a scratch run has none of its own to send."""
    if not options.input:
        return
    source = open_input(Path(existing(options.input, "input")), **reading(vars(options)))
    for number, row in enumerate(source):
        if options.limit and number >= options.limit:
            return
        yield row.sentence
