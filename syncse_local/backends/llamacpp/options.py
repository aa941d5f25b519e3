"""Options of the llama.cpp engine. Knows names and defaults, no engine."""

from dataclasses import dataclass
from typing import Literal

from syncse_local.backends.base import ChatProfile
from syncse_local.backends.thinking import Thinking

KvType = Literal["f16", "q8_0", "f32"]
FlashAttention = Literal["auto", "on", "off"]
AttentionChoice = Literal["auto", "llama.cpp"]


@dataclass(frozen=True, slots=True)
class LlamaOptions:
    """0 and `auto` mean chosen from the model and the machine.

    `n_gpu_layers`: 0 CPU only, -1 all layers. `n_seq`: rows in flight. `threads`: in all. `lanes`: decoders side by side
    that share rows, threads and cells. `n_ctx`: KV cells (tokens) in all. `n_batch`: tokens per decode call. `kv_type`:
    cell precision of the KV cache. `attention`: our own where it can be used, or llama.cpp's. `thinking`: whether the model
    may reason before it answers, and `thinking_tokens` how long; `template`: further names for its template, `NAME=VALUE`.
    """

    n_gpu_layers: int = 0
    n_ctx: int = 0
    n_seq: int = 0
    n_batch: int = 0
    threads: int = 0
    lanes: int = 0
    flash_attn: FlashAttention = "auto"
    kv_type: KvType = "f16"
    attention: AttentionChoice = "auto"
    chat_profile: ChatProfile = "auto"
    thinking: Thinking = "off"
    thinking_tokens: int = 1024
    template: tuple[str, ...] = ()
