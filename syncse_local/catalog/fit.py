"""Whether a model fits: weights, KV cache and activations against the memory that is free, with the sum shown.

Arithmetic over a catalog entry and the run's options; loads nothing. Estimates are plain formulas, not promises.
"""

from dataclasses import dataclass, replace

from syncse_local import machine
from syncse_local.backends.base import LlamaOptions, VllmOptions
from syncse_local.backends.llamacpp_cells import CELL_BYTES, UBATCH, batch_size, cells_for, lanes_for, rows_in_flight
from syncse_local.catalog.entry import Dimensions, ModelEntry
from syncse_local.machine import Gpu
from syncse_local.training.options import TrainOptions
from syncse_local.training.sizes import FLOAT, lora_parameters, token_bytes

GIB = 2**30
TORCH = GIB // 2
"""What torch and its libraries take before any model is there."""
DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
PLAIN = ("F64", "F32", "F16", "BF16")
VLLM_WINDOW, VLLM_SHARE = 8192, 0.9
"""The context and the share of a GPU that the vLLM engine takes where none is asked for."""


@dataclass(frozen=True, slots=True)
class Room:
    """Free bytes in main memory, and the GPUs this process may use."""

    main: int
    gpus: tuple[Gpu, ...] = ()

    @classmethod
    def now(cls, gpus_change_hands: bool = False) -> "Room":
        """What is free now; all of each GPU where its present user will be gone before this run starts."""
        seen = (replace(gpu, free=gpu.total) if gpus_change_hands else gpu for gpu in machine.gpus())
        return cls(machine.memory().free, tuple(seen))


@dataclass(frozen=True, slots=True)
class Fit:
    """A sum of needs (what, bytes) at one place, against the bytes free there; None: nobody says how many those are."""

    place: str
    needs: tuple[tuple[str, float], ...]
    free: int | None

    @property
    def needed(self) -> float:
        """Bytes in all."""
        return sum(size for _, size in self.needs)

    @property
    def fits(self) -> bool:
        """Whether there is room; yes where the room is not known."""
        return self.free is None or self.needed <= self.free

    def __str__(self) -> str:
        parts = " + ".join(f"{what} {gib(size)}" for what, size in self.needs)
        free = "an unknown amount is" if self.free is None else f"{gib(self.free)} GiB are"
        return f"{parts} = {gib(self.needed)} GiB; {free} free in {self.place}"


def gib(size: float) -> str:
    """Bytes as GiB, with more places where there is little."""
    return f"{size / GIB:.2f}" if size >= GIB / 10 else f"{size / GIB:.4f}"


def llamacpp_fit(model: ModelEntry, options: LlamaOptions, room: Room) -> list[Fit]:
    """llama.cpp: in main memory, on the GPUs, or a share of the layers on each."""
    share = _gpu_share(options.n_gpu_layers, model.dimensions.layers) if room.gpus else 0.0
    rows = options.n_seq or rows_in_flight(share > 0)
    batch = options.n_batch or batch_size(model.parameters, share > 0)
    free = _together(room.gpus) if share else room.main
    spare = room.main if free is None else max(0, free - int(model.bytes * (share or 1)))
    cell = model.dimensions.kv_values * CELL_BYTES[options.kv_type]
    threads = options.threads or machine.cores()
    lanes = lanes_for(options, model.parameters, model.context, threads, rows, share > 0)
    cells = lanes * (options.n_ctx // lanes or cells_for(-(-rows // lanes), model.context, cell, spare // lanes))
    needs = [("weights", float(model.bytes)), (f"KV cache ({cells:,} cells of {cell / 1024:.1f} KiB)", cells * cell)]
    seen = cells if options.flash_attn == "off" else 0
    work = ("work space", lanes * _work_space(model.dimensions, -(-rows // lanes), min(UBATCH, batch), seen))
    found = []
    if share:
        found.append(Fit(_gpus(room.gpus), (*((what, size * share) for what, size in needs), work), free))
    if share < 1:
        found.append(Fit("main memory", (*((what, size * (1 - share)) for what, size in needs), work), room.main))
    return found


def _gpu_share(asked: int, layers: int) -> float:
    """The share of the weights that goes to the GPUs; the output layer counts as one more."""
    return 1.0 if asked < 0 or asked > layers else asked / (layers + 1)


def _work_space(sizes: Dimensions, rows: int, tokens: int, cells: int) -> float:
    """Activations of the tokens computed at once, and the logits of every row in flight with the sampler's copies.

    Without flash attention each head also keeps a score, and all together a mask, for each of the `cells`.
    """
    activations = tokens * (sizes.vocabulary + 2 * sizes.inner + 6 * sizes.hidden + cells * (sizes.heads + 1))
    return 4.0 * activations + 12.0 * rows * sizes.vocabulary


def vllm_fit(model: ModelEntry, options: VllmOptions, room: Room) -> list[Fit]:
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
    if not room.gpus:
        return [Fit("main memory", needs, room.main)]
    used = room.gpus[: max(1, options.tensor_parallel_size)]
    return [Fit(_gpus(used), needs, _together(used, options.gpu_memory_utilization or VLLM_SHARE))]


def train_fit(model: ModelEntry, options: TrainOptions, room: Room) -> list[Fit]:
    """Training: weights, gradients and AdamW's moments in float32, and the graphs of the chunks held at once.

    With LoRA, gradients and moments are the adapters' alone.
    """
    sizes = model.dimensions
    each = token_bytes(sizes.hidden, sizes.layers, options.precision)
    batch = options.batch_size * (2 if options.unsupervised else 3) * options.max_length
    kept = batch * each <= options.graph_gib * GIB  # else gradients are cached and one chunk's graph is held
    on_gpu = bool(room.gpus) and options.device in ("cuda", "auto")
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
        return [Fit("GPU memory", (*needs, libraries), room.gpus[0].free)]
    return [Fit("main memory", (*needs, libraries), room.main)]


def _together(gpus: tuple[Gpu, ...], share: float = 1.0) -> int | None:
    """Bytes free on the GPUs in all, of each at most this share of what it has; None where one does not say."""
    known = [min(gpu.free, int(gpu.total * share)) for gpu in gpus if gpu.free is not None and gpu.total is not None]
    return sum(known) if known and len(known) == len(gpus) else None


def _gpus(gpus: tuple[Gpu, ...]) -> str:
    return "GPU memory" if len(gpus) == 1 else f"the memory of {len(gpus)} GPUs"
