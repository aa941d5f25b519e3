"""What vLLM needs of memory for a model: weights, KV cache and activations. Arithmetic alone; loads nothing."""

from syncse_local.backends.vllm.options import VllmOptions
from syncse_local.machine_memory import Fit, FreeMemory, free_on, place_of
from syncse_local.modelfiles.entry import ModelEntry

DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number."""
PLAIN = ("F64", "F32", "F16", "BF16")
"""Number types that vLLM converts to the one it computes in; others are quantised and stay as they are."""
VLLM_WINDOW = 8192
"""Context where none is asked for: prompts here are short, and a model's full context can be more than the memory."""
VLLM_SHARE = 0.9
"""Share of a GPU that vLLM takes where none is asked for: its own default."""


def vllm_fit(model: ModelEntry, options: VllmOptions, memory: FreeMemory) -> list[Fit]:
    """vLLM: weights in its number type, one sequence of full length in the cache, and a tenth for activations."""
    stored = model.bytes / model.parameters if model.parameters else 0.0
    each = DTYPE_BYTES.get(options.dtype, min(stored, 2.0)) if model.quantisation in PLAIN else stored
    tokens = options.max_model_len or min(model.context or VLLM_WINDOW, VLLM_WINDOW)
    kv = float(options.kv_cache_memory_bytes) or tokens * model.dimensions.kv_values * max(2.0, each)
    weights = model.parameters * each
    needs = (
        ("weights", weights),
        (f"KV cache ({tokens:,} tokens)", kv),
        ("activations (10 %)", 0.1 * (weights + kv)),
    )
    if not memory.gpus:
        return [Fit("main memory", needs, memory.main)]
    used = memory.gpus[: max(1, options.tensor_parallel_size)]
    return [Fit(place_of(used), needs, free_on(used, options.gpu_memory_utilization or VLLM_SHARE))]
