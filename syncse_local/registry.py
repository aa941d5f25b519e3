"""Names of interchangeable parts and where their classes live. Imports a part only when it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.errors import ExitCode, SyncseError

if TYPE_CHECKING:
    from syncse_local.backends.base import Backend, EmbeddingModel
    from syncse_local.backends.prompt import SentPrompt
    from syncse_local.backends.spec import BackendSpec
    from syncse_local.modelfiles.entry import Format
    from syncse_local.records import Message

BACKENDS: dict[str, str] = {
    "llamacpp": "syncse_local.backends.llamacpp.spec:SPEC",
    "openai_compat": "syncse_local.backends.openai.spec:SPEC",
    "vllm": "syncse_local.backends.vllm.spec:SPEC",
    "echo": "syncse_local.backends.echo:SPEC",
}
"""Where each engine's BackendSpec is; the spec names the class."""

DEFAULT_BACKEND = "llamacpp"

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


def backend_spec(name: str) -> "BackendSpec":
    """What is known of the engine registered as `name` without loading it; see `load`."""
    spec: BackendSpec = load(BACKENDS, name, "backend")
    return spec


def load_backend(name: str) -> "Callable[..., Backend]":
    """The class of the engine registered as `name`, its library imported; see `load`."""
    made: Callable[..., Backend] = load({name: backend_spec(name).engine}, name, "backend")
    return made


def load_prompts(name: str) -> "Callable[[Path, Mapping[str, Any]], Callable[[Sequence[Message]], SentPrompt]]":
    """What shows prompts as the engine registered as `name` will send them. Raises SyncseError (USAGE) where nothing does."""
    found = backend_spec(name).prompts
    if not found:
        detail = f"{name} turns messages into a prompt out of this program's sight."
        raise SyncseError(
            "The prompt cannot be shown", detail, "Leave --model out to see the messages.", ExitCode.USAGE
        )
    made: Callable[[Path, Mapping[str, Any]], Callable[[Sequence[Message]], SentPrompt]] = load(
        {name: found}, name, "backend"
    )
    return made


def load_embedding(stored: "Format") -> "Callable[..., EmbeddingModel]":
    """The class for embedding models in files of this format: the first engine's that has one; see `load`."""
    has = {
        name: spec.embedding for name in BACKENDS if stored in (spec := backend_spec(name)).formats and spec.embedding
    }
    made: Callable[..., EmbeddingModel] = load(has, next(iter(has), ""), "backend")
    return made


def offered_backends() -> list[str]:
    """The engines that people are offered to choose from, in the registry's order."""
    return [name for name in BACKENDS if backend_spec(name).offered]
