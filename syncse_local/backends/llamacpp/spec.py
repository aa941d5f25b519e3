"""What is known of the llama.cpp engine without loading it."""

from syncse_local.backends.llamacpp.fit import llamacpp_fit
from syncse_local.backends.llamacpp.kernels import slow_type
from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.spec import Abilities, BackendSpec, Check
from syncse_local.config import Settings


def _checks(settings: Settings) -> list[Check]:
    """The library, and our own attention for it."""
    from importlib import metadata

    from syncse_local.backends.llamacpp.attention.compile import built, compiler, is_ours

    try:
        path = built()
    except ModuleNotFoundError:
        return [("llama-cpp-python", "missing", "needed for generation with llama.cpp")]
    if path.exists():
        own = ("ok", str(path)) if is_ours(path) else ("absent", f"somebody else may write {path}: remove it")
    elif compiler():
        own = ("absent", "compiled at the first run that uses llama.cpp, which takes some seconds")
    else:
        own = ("absent", "llama.cpp's own is used, which is slower: install a C compiler, such as gcc")
    version = metadata.version("llama-cpp-python")
    return [("llama-cpp-python", "ok", version), ("shared-prefix attention", *own)]


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
    prompts="syncse_local.backends.llamacpp.prompts:shown_by",
    from_settings={"threads": "threads", "n_gpu_layers": "n_gpu_layers", "n_ctx": "n_ctx"},
    fit=llamacpp_fit,
    smaller="Take a smaller context (--n-ctx), a smaller quantisation or another number of --n-gpu-layers",
    remark=lambda model, options: "" if options.n_gpu_layers else slow_type(model.quantisation),
    uses_gpu=lambda options, gpus: bool(options.get("n_gpu_layers")),
    checks=_checks,
)
