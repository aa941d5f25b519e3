"""What is known of the llama.cpp engine without loading it."""

import sys

from syncse_local.backends.llamacpp.fit import llamacpp_fit
from syncse_local.backends.llamacpp.kernels import slow_type
from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.spec import Abilities, BackendSpec, Check
from syncse_local.config import Settings


def _checks(settings: Settings) -> list[Check]:
    """The library, and our own attention for it."""
    from importlib import metadata

    from syncse_local.backends.llamacpp.attention import library

    try:
        path = library.built()
    except ModuleNotFoundError:
        return [("llama-cpp-python", "missing", "needed for generation with llama.cpp")]
    how = f"llama.cpp's own is used; build it with {sys.executable} -m {library.__name__}"
    state, detail = ("ok", str(path)) if path.exists() else ("absent", how)
    return [
        ("llama-cpp-python", "ok", metadata.version("llama-cpp-python")),
        ("shared-prefix attention", state, detail),
    ]


SPEC = BackendSpec(
    name="llamacpp",
    summary="llama.cpp: GGUF files, on CPU or GPU",
    engine="syncse_local.backends.llamacpp.engine:LlamaCppBackend",
    options=LlamaOptions,
    abilities=Abilities(
        grammar=True,
        deterministic_alone=True,
        notes="The batch size changes the order of float sums: a row's text may differ where two tokens are close.",
    ),
    formats=("gguf",),
    embedding="syncse_local.backends.llamacpp.embed:LlamaEmbedding",
    from_settings={"threads": "threads", "n_gpu_layers": "n_gpu_layers", "n_ctx": "n_ctx"},
    fit=llamacpp_fit,
    smaller="Take a smaller context (--n-ctx), a smaller quantisation or another number of --n-gpu-layers",
    remark=lambda model, options: "" if options.n_gpu_layers else slow_type(model.quantisation),
    uses_gpu=lambda options, gpus: bool(options.get("n_gpu_layers")),
    checks=_checks,
)
