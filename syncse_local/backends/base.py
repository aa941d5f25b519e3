"""What every generation engine gives the rest of the program. Knows no engine, imports nothing heavy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.records import Completion, Context

KvType = Literal["f16", "q8_0", "f32"]
ChatProfile = Literal["auto", "chat", "plain"]
DType = Literal["auto", "float32", "float16", "bfloat16"]
FlashAttention = Literal["auto", "on", "off"]
AttentionChoice = Literal["auto", "llama.cpp"]


@dataclass(frozen=True, slots=True)
class Promises:
    """What an engine says about repeating a result.

    `deterministic_alone`: the same rows in the same order, same options and machine, give the same texts.
    `deterministic_in_batch`: a row's text does not depend on which other rows are in flight, bit for bit.
    `notes` is one sentence for the reader of a run record.
    """

    deterministic_alone: bool
    deterministic_in_batch: bool
    notes: str


@dataclass(frozen=True, slots=True)
class LlamaOptions:
    """Options of the llama.cpp engine; 0 and `auto` mean chosen from the model and the machine.

    `n_gpu_layers`: 0 CPU only, -1 all layers. `n_seq`: rows in flight. `threads`: in all. `lanes`: decoders side by side
    that share rows, threads and cells. `n_ctx`: KV cells (tokens) in all. `n_batch`: tokens per decode call. `kv_type`:
    cell precision of the KV cache. `attention`: our own where it can be used, or llama.cpp's.
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


@dataclass(frozen=True, slots=True)
class VllmOptions:
    """Options of the vLLM engine; 0 and `auto` mean chosen from the model and the machine, or left to vLLM.

    `python`: interpreter that has vLLM. `max_model_len`: longest prompt with its answer (tokens). `max_num_seqs`: rows in
    flight. `gpu_memory_utilization`: share of the GPU's memory. `kv_cache_memory_bytes`: the KV cache instead of what is
    left. `block_size`: tokens per KV block. `threads`: on a CPU. `ahead`: rows given to the engine beyond those in flight.
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


class Backend(Protocol):
    """One loaded model in one engine. Not thread-safe: one `generate` at a time.

    A backend class is constructed as `Class(model: Path, options, sha256="")` and raises SyncseError(PREFLIGHT) when
    the model cannot be used.
    """

    name: str
    version: str
    info: ModelInfo
    promises: Promises

    def generate(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """Answer every row once, in the order rows finish.

        `contexts` is read lazily, a little ahead of the work. `cancelled` is asked between decode calls; once it is
        true the iterator ends and unfinished rows are not yielded, so they stay without a response and are generated
        by the next run. A row that cannot be answered is yielded as `refused` or `error`; the others go on.
        """

    def settings(self) -> dict[str, object]:
        """What was chosen, for the run record: plain JSON values."""

    def close(self) -> None:
        """Free the engine; a second call does nothing."""
