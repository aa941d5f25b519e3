"""Memory that ran out: telling it from other errors, and the arithmetic with a chunk size that may fit.

The sum is the one a run is checked with before it starts (`catalog.fit`). Knows no step and imports no torch.
"""

import sys
from dataclasses import replace

from syncse_local import machine
from syncse_local.catalog.describe import describe
from syncse_local.catalog.entry import Found
from syncse_local.catalog.fit import Room, gib, train_fit
from syncse_local.errors import SyncseError
from syncse_local.training.options import TrainOptions
from syncse_local.training.sizes import token_bytes

WORDS = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory", "bad_alloc")
"""How torch's allocators say it: on a CPU they raise a plain RuntimeError."""
SHARE = 0.8  # of all memory: what a suggestion may count on


def is_memory(error: BaseException) -> bool:
    """Whether the error means that memory ran out."""
    torch = sys.modules.get("torch")
    named = isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError))
    return named or (isinstance(error, RuntimeError) and any(word in str(error).lower() for word in WORDS))


def out_of_memory(options: TrainOptions, device: str) -> SyncseError:
    """The error for a run on `device` that did not fit: what takes how much, and what to change."""
    entry = describe(Found(options.encoder.name, "path", options.encoder))
    gpus = tuple(replace(gpu, free=gpu.total) for gpu in machine.gpus()) if device == "cuda" else ()
    (fit,) = train_fit(entry, options, Room(machine.memory().total, gpus))
    tokens = options.chunk_budget(device)
    each = token_bytes(entry.dimensions.hidden, entry.dimensions.layers, options.precision)
    sums = " + ".join(f"{what} {gib(size)}" for what, size in fit.needs)
    chunk = f"one chunk of {tokens} tokens takes {gib(tokens * each)} GiB"
    detail = (
        f"The training did not fit into {fit.place}: {sums} = {gib(fit.needed)} GiB by estimate;"
        f" {chunk} ({each / 2**20:.2f} MiB a token)."
    )
    fixed = sum(size for what, size in fit.needs if not what.startswith("activations"))
    smaller = _smaller(options, tokens, (SHARE * fit.free - fixed) / max(1, each) if fit.free else float("inf"))
    if smaller is None:
        hint = "Take a smaller encoder, --precision bf16, a shorter --max-length, or train adapters alone (--lora-rank 16)."
    else:
        hint = (
            f"Start again with --chunk-tokens {smaller} --graph-gib {options.graph_gib / 4:g}"
            " (the loss stays that of the whole batch), --precision bf16, or a smaller encoder."
        )
    return SyncseError("Out of memory", detail, hint)


def _smaller(options: TrainOptions, tokens: int, room: float) -> int | None:
    """Tokens of a chunk: at most half of now, no more than there is `room` for, in whole rows; None under one row."""
    rows = int(min(tokens // 2, room)) // options.max_length
    return rows * options.max_length if rows >= 1 else None
