"""Names of interchangeable parts and where their classes live. Imports a part only when it is asked for."""

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from syncse_local.errors import ExitCode, SyncseError

BACKENDS: dict[str, str] = {
    "llamacpp": "syncse_local.backends.llamacpp.engine:LlamaCppBackend",
    "openai_compat": "syncse_local.backends.openai.engine:OpenAICompatBackend",
    "vllm": "syncse_local.backends.vllm.engine:VllmBackend",
}

SERVED = frozenset({"openai_compat"})
"""Backends whose model is a name that a server knows, not files on this machine."""

STAGES: dict[str, str] = {
    "generate": "syncse_local.synthesis.job:run",
    "train": "syncse_local.training.job:run",
    "eval": "syncse_local.evaluation.job:run",
    "compare": "syncse_local.compare.job:run",
    "filter": "syncse_local.synthesis.filters.measure:run",
    "report": "syncse_local.synthesis.report.job:run",
}


def load(table: Mapping[str, str], name: str, kind: str = "part") -> Any:
    """The class or function registered as `name`.

    Raises SyncseError(USAGE) for an unknown name and SyncseError(PREFLIGHT) when its library is not installed.
    """
    if name not in table:
        close = get_close_matches(name, table, n=1, cutoff=0.4)
        hint = f"Did you mean '{close[0]}'?" if close else f"Choose one of: {', '.join(sorted(table))}."
        raise SyncseError(f"Unknown {kind}", f"There is no {kind} named '{name}'.", hint, ExitCode.USAGE)
    module, _, attribute = table[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as missing:
        raise SyncseError(
            f"The {kind} '{name}' is not installed",
            f"The library '{missing.name}' cannot be imported.",
            "Install it with: pip install 'syncse-local[all]'",
            ExitCode.PREFLIGHT,
        ) from missing


def load_backend(name: str) -> Any:
    """The backend class registered as `name`; see `load`."""
    return load(BACKENDS, name, "backend")
