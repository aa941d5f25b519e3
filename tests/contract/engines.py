"""How each backend is made small for the contract suite, with which models, and what it does differently."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from syncse_local import machine
from syncse_local.backends.base import Backend
from syncse_local.backends.vllm.python import find
from syncse_local.errors import SyncseError
from syncse_local.registry import backend_spec, load_backend
from tests.contract.server import base_url, no_server, vllm_url


@dataclass(frozen=True)
class Engine:
    """How to make an engine small: its options, its names for rows in flight and context, its models, why it is not here.

    `prefix_ahead`: a context's prefix is decoded before its rows, so that the first one finds it too. An option whose
    name here is empty is not the engine's affair. What the engine can do is declared by itself, in its BackendSpec.
    """

    options: Callable[[Path], dict[str, Any]]
    models: tuple[str, ...]
    names: dict[str, str] = field(default_factory=dict)
    missing: Callable[[], str] = lambda: ""
    prefix_ahead: bool = True

    def make(self, name: str, model: Path, **options: Any) -> Backend:
        """The backend; skips where the engine is not on this machine."""
        served = backend_spec(name).model == "served"
        if reason := self.missing() or (served and model.is_dir() and no_vllm()):
            pytest.skip(reason)
        named = {self.names.get(option, option): value for option, value in options.items()}
        given = {option: value for option, value in named.items() if option}
        made: Backend = load_backend(name)(model, **{**self.options(model), **given})
        return made


def no_vllm() -> str:
    """Why vLLM cannot be tested here."""
    try:
        find()
    except SyncseError as problem:
        return f"{problem.detail} {problem.hint}"
    return ""


def llama_options(_: Path) -> dict[str, Any]:
    """A small engine; on the GPU where this machine has one and llama.cpp was built for it."""
    return {"n_seq": 6, "n_ctx": 2048, "threads": 1, **({"n_gpu_layers": -1} if machine.gpus() else {})}


def vllm_options(_: Path) -> dict[str, Any]:
    """A small engine; in bf16 on a GPU, whose attention kernels know no float32."""
    where = {"dtype": "bfloat16", "enforce_eager": True} if machine.gpus() else {"dtype": "float32", "threads": 1}
    return {"kv_cache_memory_bytes": 32 << 20, "max_num_seqs": 64, **where}


ENGINES = {
    "echo": Engine(lambda _: {}, ("echo",), {"n_seq": ""}),
    "llamacpp": Engine(
        llama_options,
        ("starter", "tinystories-656k/tinystories-656k-f16.gguf", "babyllama105/babyllama105-f16.gguf"),
    ),
    "openai_compat": Engine(
        lambda model: {"base_urls": (vllm_url(model) if model.is_dir() else base_url(),), "concurrency": 4},
        ("starter", "random"),
        {"n_seq": "concurrency", "n_ctx": ""},
        no_server,
        prefix_ahead=False,
    ),
    "vllm": Engine(
        vllm_options,
        ("random",),
        {"n_seq": "max_num_seqs", "n_ctx": "max_model_len"},
        no_vllm,
        prefix_ahead=False,
    ),
}
CASES = [(name, model) for name in sorted(ENGINES) for model in ENGINES[name].models]
