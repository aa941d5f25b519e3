"""Chooses how many rows are in flight, how large the KV cache is, and how many threads work, from model and machine.

Knows sizes only. Every choice can be overridden by an option and is shown in the backend's settings.
"""

import os
import time
from dataclasses import replace
from pathlib import Path

import llama_cpp as native

from syncse_local import machine
from syncse_local.backends.llamacpp.native import Model, Shape
from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.llamacpp.sizes import (
    CELL_BYTES,
    PREFIX_SEQUENCES,
    STATE_BYTES,
    batch_size,
    cells_for,
    lanes_for,
    rows_in_flight,
    rows_with_states,
)
from syncse_local.modelfiles.entry import ModelInfo

TINY = 30_000_000
"""Parameters below which threads that wait for each other cost more than the weights."""


def choose_shapes(options: LlamaOptions, info: ModelInfo, model: Model) -> list[Shape]:
    """The size of each lane; all are alike but for threads. Sequences include the PREFIX_SEQUENCES that hold prefixes."""
    offload = offloads(options)
    free = _free_for_cache(offload)
    wanted = options.n_seq or rows_with_states(
        rows_in_flight(offload), info.dimensions.state_values * STATE_BYTES, free
    )
    threads = options.threads or default_threads(info.parameters)
    lanes = lanes_for(options, info.parameters, model.train_ctx, threads, wanted, offload)
    rows = max(1, min(-(-wanted // lanes), native.llama_max_parallel_sequences() - PREFIX_SEQUENCES))
    batch = max(
        options.n_batch or batch_size(info.parameters, offload), rows + PREFIX_SEQUENCES
    )  # an output each, or it aborts
    each = info.dimensions.kv_values * CELL_BYTES[options.kv_type]
    cells = options.n_ctx // lanes or cells_for(rows, model.train_ctx, each, free // lanes)
    share, more = divmod(threads, lanes)
    shape = Shape(cells, rows + PREFIX_SEQUENCES, batch, max(1, share), options.kv_type, options.flash_attn)
    return [replace(shape, threads=max(1, share + (lane < more))) for lane in range(lanes)]


def _free_for_cache(offload: bool) -> int:
    """Bytes free where the cache will lie: on the GPUs when layers go there and they say, else in main memory."""
    on_gpus = [gpu.free for gpu in machine.gpus() if gpu.free is not None] if offload else []
    return sum(on_gpus) if on_gpus else machine.memory().free


def default_threads(parameters: int) -> int:
    """Physical cores that nobody else uses, fewer for models so small that waiting costs more than the work.

    llama.cpp's threads wait for each other in busy loops: one thread too many on a loaded machine is 50 times slower.
    """
    cores = machine.visible_cores()
    try:
        if Path("/sys/devices/system/cpu/smt/active").read_text(encoding="ascii").strip() == "1":
            cores = max(1, cores // 2)
    except OSError:
        pass
    cores = min(machine.cores(), cores - round(busy_cores()))  # a quota is ours, whoever else is busy
    most = 2 if parameters < TINY else 8 if parameters < 1_000_000_000 else 32
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


def has_gpu() -> bool:
    """Whether this llama.cpp has a GPU to compute on; it then sends large products there even from layers on the CPU."""
    return bool(native.llama_supports_gpu_offload())


def offloads(options: LlamaOptions) -> bool:
    """Whether layers go to a GPU."""
    return options.n_gpu_layers != 0 and has_gpu()


def offload_warning(options: LlamaOptions) -> list[str]:
    """One sentence when GPU layers are asked of a build that has no GPU."""
    if options.n_gpu_layers != 0 and not has_gpu():
        return ["This build of llama-cpp-python has no GPU support: n_gpu_layers has no effect."]
    return []
