"""What the command line and the settings say about an engine, as that engine's own options. Knows names, no engine."""

import argparse
from contextlib import suppress
from typing import Any

from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.registry import backend_spec


def engine_flags(made: argparse.ArgumentParser, hidden: bool = False) -> None:
    """The flags of verbs that start an engine."""
    texts = {
        "--threads": "CPU threads (0: chosen)",
        "--n-gpu-layers": "layers on the GPU (-1: all)",
        "--n-ctx": "context in tokens: of all rows in flight, or the longest prompt with its answer, as the engine counts (0: chosen)",
    }
    for flag, text in texts.items():
        made.add_argument(flag, type=int, help=argparse.SUPPRESS if hidden else text)
    made.add_argument(
        "--vllm-python", metavar="PATH", help=argparse.SUPPRESS if hidden else "the interpreter that has vLLM"
    )
    made.add_argument(
        "--base-url",
        dest="base_urls",
        metavar="URL",
        help=argparse.SUPPRESS if hidden else "the server, or several with commas between, as one pool",
    )
    made.add_argument(
        "--allow-remote",
        action="store_true",
        help=argparse.SUPPRESS if hidden else "rows may be sent to a server that is not on this machine",
    )
    made.add_argument(
        "--backend-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=argparse.SUPPRESS if hidden else "an option of the engine itself, as in dtype=bfloat16; may be repeated",
    )


def engine_options(chosen: Settings, given: list[str]) -> dict[str, Any]:
    """The options for the chosen engine; what `given` names wins over settings. Raises SyncseError (USAGE)."""
    found = backend_spec(chosen.backend).chosen(chosen)
    for pair in given:
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise SyncseError(
                "Bad backend option",
                f"{pair!r} has no name and value.",
                "Write --backend-option NAME=VALUE.",
                ExitCode.USAGE,
            )
        found[name] = _plain(value)
    return found


def _plain(value: str) -> int | float | str:
    """A number where the text is one."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(value)
    return value
