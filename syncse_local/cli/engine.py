"""What the command line and the settings say about an engine, as that engine's own options. Knows names, no engine."""

import argparse
from contextlib import suppress
from typing import Any

from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError

FROM_SETTINGS: dict[str, dict[str, str]] = {
    "llamacpp": {"threads": "threads", "n_gpu_layers": "n_gpu_layers", "n_ctx": "n_ctx"},
    "openai_compat": {
        "base_urls": "base_urls",
        "api_key_file": "api_key_file",
        "max_spend": "max_spend",
        "prices": "prices",
    },
    "vllm": {"python": "vllm_python", "threads": "threads", "max_model_len": "n_ctx"},
}
"""For each engine, its options that a setting decides."""


def engine_flags(made: argparse.ArgumentParser, hidden: bool = False) -> None:
    """The flags of verbs that start an engine."""
    texts = {
        "--threads": "CPU threads (0: chosen)",
        "--n-gpu-layers": "layers on the GPU (-1: all); llamacpp",
        "--n-ctx": "context cells (0: chosen); with vllm the longest prompt with its answer",
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
        help=argparse.SUPPRESS if hidden else "openai_compat: the server, or several with commas between, as one pool",
    )
    made.add_argument(
        "--allow-remote",
        action="store_true",
        help=argparse.SUPPRESS if hidden else "openai_compat: rows may be sent to a server that is not on this machine",
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
    found = {name: getattr(chosen, setting) for name, setting in FROM_SETTINGS.get(chosen.backend, {}).items()}
    if "base_urls" in found:
        found["base_urls"] = [url.strip() for url in found["base_urls"].split(",") if url.strip()]
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
