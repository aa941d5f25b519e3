"""Options of the vLLM engine. Knows names and defaults, no engine."""

from dataclasses import dataclass
from typing import Literal

from syncse_local.backends.base import ChatProfile
from syncse_local.backends.thinking import Thinking

DType = Literal["auto", "float32", "float16", "bfloat16"]


@dataclass(frozen=True, slots=True)
class VllmOptions:
    """0 and `auto` mean chosen from the model and the machine, or left to vLLM.

    `python`: interpreter that has vLLM. `max_model_len`: longest prompt with its answer (tokens). `max_num_seqs`: rows in
    flight. `gpu_memory_utilization`: share of the GPU's memory. `kv_cache_memory_bytes`: the KV cache instead of what is
    left. `block_size`: tokens per KV block. `threads`: on a CPU. `ahead`: rows given to the engine beyond those in flight.
    `thinking`: whether the model may reason before it answers, and `thinking_tokens` how long; `template`: further names
    for its template, `NAME=VALUE`.
    """

    python: str = ""
    max_model_len: int = 0
    max_num_seqs: int = 0
    gpu_memory_utilization: float = 0.0
    kv_cache_memory_bytes: int = 0
    tensor_parallel_size: int = 1
    dtype: DType = "auto"
    quantization: str = "auto"
    block_size: int = 0
    enforce_eager: bool = False
    seed: int = 0
    threads: int = 0
    ahead: int = 0
    chat_profile: ChatProfile = "auto"
    thinking: Thinking = "off"
    thinking_tokens: int = 1024
    template: tuple[str, ...] = ()
