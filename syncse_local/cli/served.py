"""What a run with a server needs before it starts: a model's name, and consent where rows leave this machine.

Asks no server; the worker does.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syncse_local.backends.openai.consent import leaving
from syncse_local.backends.openai.key import read_key
from syncse_local.backends.openai.options import OpenAIOptions
from syncse_local.backends.openai.servers import check_allowed, parse_server
from syncse_local.cli.common import existing
from syncse_local.cli.output import safe
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.ingest import open_input


def served_model(chosen: Settings) -> str:
    """The model's name. Raises SyncseError (USAGE) where none is given."""
    if not chosen.model:
        hint = "Add --model NAME, as the server calls it."
        raise SyncseError("Which model?", "A server may hold several models.", hint, ExitCode.USAGE)
    return chosen.model


def consent(options: argparse.Namespace, chosen: Settings, engine: dict[str, Any], calls: int) -> dict[str, Any]:
    """The engine's options that say what was agreed to; shows what leaves this machine, if anything does.

    `calls` are the requests for each sentence. Raises SyncseError: BLOCKED under the air-gap policy, USAGE without
    consent, with what would leave.
    """
    checked = OpenAIOptions.of(engine)
    servers = [parse_server(url) for url in checked.base_urls]
    key = read_key(checked.api_key_file)
    check_allowed(servers, True, bool(key), guarded=chosen.airgap)
    if all(server.local for server in servers):
        return {}
    found = leaving(servers, _sentences(options), calls, key.source)
    if not options.allow_remote:
        raise found.refusal()
    for line in found.lines():
        print(safe(line), file=sys.stderr)
    return {"allow_remote": True}


def _sentences(options: argparse.Namespace) -> Iterator[str]:
    """The sentences of the input, up to the limit; a scratch run has none of its own to send."""
    if not options.input:
        return
    source = open_input(Path(existing(options.input, "input")), column=options.column, encoding=options.encoding)
    for number, row in enumerate(source):
        if options.limit and number >= options.limit:
            return
        yield row.sentence
