"""What llama.cpp needs of memory for a model: weights, KV cache and work space. Arithmetic alone; loads nothing."""

from syncse_local import machine
from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.llamacpp.sizes import (
    CELL_BYTES,
    PREFIX_SEQUENCES,
    STATE_BYTES,
    UBATCH,
    batch_size,
    cells_for,
    lanes_for,
    rows_in_flight,
    rows_with_states,
)
from syncse_local.machine_memory import Fit, FreeMemory, free_on, place_of
from syncse_local.modelfiles.entry import Dimensions, ModelEntry


def llamacpp_fit(model: ModelEntry, options: LlamaOptions, memory: FreeMemory) -> list[Fit]:
    """llama.cpp: in main memory, on the GPUs, or a share of the layers on each."""
    share = _gpu_share(options.n_gpu_layers, model.dimensions.layers) if memory.gpus else 0.0
    state = model.dimensions.state_values * STATE_BYTES
    batch = options.n_batch or batch_size(model.parameters, share > 0)
    free = free_on(memory.gpus) if share else memory.main
    spare = memory.main if free is None else max(0, free - int(model.bytes * (share or 1)))
    rows = options.n_seq or rows_with_states(rows_in_flight(share > 0), state, spare)
    cell = model.dimensions.kv_values * CELL_BYTES[options.kv_type]
    threads = options.threads or machine.cores()
    lanes = lanes_for(options, model.parameters, model.context, threads, rows, share > 0)
    cells = lanes * (options.n_ctx // lanes or cells_for(-(-rows // lanes), model.context, cell, spare // lanes))
    needs = [("weights", float(model.bytes)), (f"KV cache ({cells:,} cells of {cell / 1024:.1f} KiB)", cells * cell)]
    if state:
        sequences = rows + lanes * PREFIX_SEQUENCES
        needs.append((f"states ({sequences} sequences of {state / 2**20:.2f} MiB)", float(sequences * state)))
    seen = cells if options.flash_attn == "off" else 0
    work = ("work space", lanes * _work_space(model.dimensions, -(-rows // lanes), min(UBATCH, batch), seen))
    found = []
    if share:
        found.append(Fit(place_of(memory.gpus), (*((what, size * share) for what, size in needs), work), free))
    if share < 1:
        found.append(Fit("main memory", (*((what, size * (1 - share)) for what, size in needs), work), memory.main))
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
