"""Memory that ran out: telling it from other errors, and the arithmetic with a chunk size that may fit.

The sum is the one a run is checked with before it starts (`train_fit`). Knows no step and imports no torch.
"""

from dataclasses import replace

from syncse_local import machine
from syncse_local.errors import SyncseError
from syncse_local.machine_memory import GIB, Fit, FreeMemory, gib
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found, ModelEntry
from syncse_local.modelfiles.training_sizes import FLOAT, lora_parameters, token_bytes
from syncse_local.training.options import TrainOptions

SHARE = 0.8  # of all memory: what a suggestion may count on


def out_of_memory(options: TrainOptions, device: str) -> SyncseError:
    """The error for a run on `device` that did not fit: what takes how much, and what to change."""
    entry = describe(Found(options.encoder.name, "path", options.encoder))
    gpus = tuple(replace(gpu, free=gpu.total) for gpu in machine.gpus()) if device == "cuda" else ()
    (fit,) = train_fit(entry, options, FreeMemory(machine.memory().total, gpus))
    tokens = options.chunk_budget(device)
    each = token_bytes(entry.dimensions.hidden, entry.dimensions.layers, options.precision)
    sums = " + ".join(f"{what} {gib(size)}" for what, size in fit.needs)
    chunk = f"one chunk of {tokens} tokens takes {gib(tokens * each)} GiB"
    detail = (
        f"The training did not fit into {fit.place}: {sums} = {gib(fit.needed)} GiB by estimate;"
        f" {chunk} ({each / 2**20:.2f} MiB a token)."
    )
    limit = options.graph_bytes(gpus[0].free or 0 if gpus else 0)
    fixed = sum(size for what, size in fit.needs if not what.startswith("activations"))
    smaller = _smaller(options, tokens, (SHARE * fit.free - fixed) / max(1, each) if fit.free else float("inf"))
    if smaller is None:
        hint = "Take a smaller encoder, --precision bf16, a shorter --max-length, or train adapters alone (--lora-rank 16)."
    else:
        hint = (
            f"Start again with --chunk-tokens {smaller} --graph-gib {limit / 4 / GIB:.2g}"
            " (the loss stays that of the whole batch), --precision bf16, or a smaller encoder."
        )
    return SyncseError("Out of memory", detail, hint)


def _smaller(options: TrainOptions, tokens: int, most: float) -> int | None:
    """Tokens of a chunk: at most half of now, no more than `most`, in whole rows; None under one row."""
    rows = int(min(tokens // 2, most)) // options.max_length
    return rows * options.max_length if rows >= 1 else None


TORCH = GIB // 2
"""What torch and its libraries take before any model is there."""


def train_fit(model: ModelEntry, options: TrainOptions, memory: FreeMemory) -> list[Fit]:
    """Training: weights, gradients and AdamW's moments in float32, and the graphs of the chunks held at once.

    With LoRA, gradients and moments are the adapters' alone.
    """
    sizes = model.dimensions
    each = token_bytes(sizes.hidden, sizes.layers, options.precision)
    batch = options.batch_size * (2 if options.unsupervised else 3) * options.max_length
    on_gpu = bool(memory.gpus) and options.device in ("cuda", "auto")
    limit = options.graph_bytes(memory.gpus[0].free or 0 if on_gpu else 0)
    kept = batch * each <= limit  # else gradients are cached and one chunk's graph is held
    chunk = options.chunk_budget("cuda" if on_gpu else "cpu")
    tokens = batch if kept else min(batch, chunk)
    adapters = lora_parameters(options.lora_rank, sizes.hidden, sizes.inner, sizes.layers)
    trained = adapters or model.parameters
    needs = [
        ("weights", float(FLOAT * (model.parameters + adapters))),
        ("gradients", float(FLOAT * trained)),
        ("AdamW state", float(2 * FLOAT * trained)),
        (f"activations ({tokens:,} tokens)", float(tokens * each)),
    ]
    if options.false_negative_limit:
        needs.append(("frozen copy", float(FLOAT * model.parameters)))
    if options.mlm_weight:
        asked = min(chunk, batch) * options.mlm_rate
        needs.append(("MLM logits", 12.0 * asked * sizes.vocabulary))
    libraries = ("libraries", float(TORCH))
    if on_gpu:
        return [Fit("GPU memory", (*needs, libraries), memory.gpus[0].free)]
    return [Fit("main memory", (*needs, libraries), memory.main)]
