"""Chooses how many rows are in flight, how large the KV cache is, and how many threads work, from model and machine.

Knows sizes only. Every choice can be overridden by an option and is shown in the backend's settings.
"""

import os
import time
from pathlib import Path

import llama_cpp as native

from syncse_local.backends.base import KvType, LlamaOptions, ModelInfo
from syncse_local.backends.llamacpp_native import Model, Shape

HOLDERS = 4
ROW_CELLS = 160
PREFIX_CELLS = 1024
KV_SHARE = 0.3
_CELL_BYTES: dict[KvType, float] = {"f32": 4.0, "f16": 2.0, "q8_0": 34 / 32}


def choose_shape(options: LlamaOptions, info: ModelInfo, model: Model) -> Shape:
    """The context's size; sequences include the HOLDERS that hold prefixes."""
    most = native.llama_max_parallel_sequences() - HOLDERS
    offload = offloads(options)
    rows = max(1, min(options.n_seq or _rows(info.parameters, offload), most))
    batch = max(options.n_batch or _batch(info.parameters, offload), rows)
    cells = options.n_ctx or _cells(rows, options.kv_type, model)
    threads = options.threads or _threads(info.parameters)
    return Shape(cells, rows + HOLDERS, batch, threads, options.kv_type, options.flash_attn)


def _rows(parameters: int, offload: bool) -> int:
    """Rows in flight. More make larger batches and longer attention: on a CPU small models gain least from the former."""
    if offload:
        return 128
    return 16 if parameters < 50_000_000 else 32


def _batch(parameters: int, offload: bool) -> int:
    """Tokens per decode call. Cancelling waits for one call, so large models on a CPU get short ones."""
    if offload:
        return 2048
    return 512 if parameters < 2_000_000_000 else 128


def _cells(rows: int, kv_type: KvType, model: Model) -> int:
    """Room for every row and the prefixes, within a share of the free memory; at least one full window if that fits."""
    trained = model.train_ctx or 4096
    wanted = rows * min(ROW_CELLS, trained) + HOLDERS * min(PREFIX_CELLS, trained)
    wanted = max(wanted, min(trained, 8192))
    affordable = int(KV_SHARE * free_memory() / cell_bytes(model, kv_type))
    return max(512, min(wanted, affordable)) // 256 * 256


def cell_bytes(model: Model, kv_type: KvType) -> float:
    """Bytes of one KV cell over all layers (keys and values)."""
    heads = max(1, native.llama_model_n_head(model.pointer))
    width = native.llama_model_n_embd(model.pointer) / heads * max(1, native.llama_model_n_head_kv(model.pointer))
    return float(2 * max(1, native.llama_model_n_layer(model.pointer)) * width * _CELL_BYTES[kv_type])


def free_memory() -> int:
    """Bytes of main memory that can be used without swapping; 4 GiB where that cannot be read."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 4 << 30


def _threads(parameters: int) -> int:
    """Physical cores that nobody else uses, fewer for models so small that waiting costs more than the work.

    llama.cpp's threads wait for each other in busy loops: one thread too many on a loaded machine is 50 times slower.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    try:
        if Path("/sys/devices/system/cpu/smt/active").read_text(encoding="ascii").strip() == "1":
            cores = max(1, cores // 2)
    except OSError:
        pass
    cores -= round(busy_cores())
    most = 2 if parameters < 30_000_000 else 8 if parameters < 1_000_000_000 else 32
    return max(1, min(cores, most))


def busy_cores(seconds: float = 0.1) -> float:
    """How many cores are at work now, this process asleep; 0 where the system does not say."""

    def ticks() -> list[int]:
        line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        return [int(field) for field in line.split()[1:9]]

    try:
        before = ticks()
        time.sleep(seconds)
        spent = [after - was for after, was in zip(ticks(), before, strict=True)]
    except (OSError, ValueError, IndexError):
        return 0.0
    idle = spent[3] + spent[4]
    return (os.cpu_count() or 1) * (1 - idle / max(1, sum(spent)))


def offloads(options: LlamaOptions) -> bool:
    """Whether layers go to a GPU."""
    return options.n_gpu_layers != 0 and bool(native.llama_supports_gpu_offload())


def offload_warning(options: LlamaOptions) -> list[str]:
    """One sentence when GPU layers are asked of a build that has no GPU."""
    if options.n_gpu_layers != 0 and not native.llama_supports_gpu_offload():
        return ["This build of llama-cpp-python has no GPU support: n_gpu_layers has no effect."]
    return []
