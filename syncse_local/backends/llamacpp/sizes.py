"""Sizes of the llama.cpp engine that need no engine: rows in flight, batch, KV cells. Imports nothing heavy.

The engine chooses with these, and the check whether a model fits comes to the same numbers before anything is loaded.
"""

from syncse_local.backends.llamacpp.options import KvType, LlamaOptions

PREFIX_SEQUENCES = 4
"""Sequences of a lane that hold shared prefixes."""
WINDOW = 2048
"""Tokens of a prompt with its answer that every lane can hold, where the model was trained for as many."""
ROW_CELLS = 160
"""Cells of a row beside its prefix: a sentence, the template around it and an answer."""
PREFIX_CELLS = 1024
"""Cells of a shared prefix: an instruction and several exemplars."""
KV_SHARE = 0.3
"""Of the memory that is free; the rest is for weights still to be read, work space and other programs."""
LEAST_CELLS = 512
"""Of a lane, however little memory is free."""
UBATCH = 512
"""Tokens that llama.cpp computes at once; its work space is made for them."""
CELL_BYTES: dict[KvType, float] = {"f32": 4.0, "f16": 2.0, "q8_0": 34 / 32}
"""Bytes of one number in the cache."""
STATE_BYTES = 4
"""Bytes of one number in a recurrent state, which llama.cpp keeps in 32 bits."""


def rows_in_flight(offload: bool) -> int:
    """More make larger batches. Measured on two cores with 7 M, 135 M and 1 B parameters (docs/log.md)."""
    return 128 if offload else 64


def rows_with_states(rows: int, state_bytes: float, free: float) -> int:
    """At most so many rows that their states, and those of the prefixes, take no more than a cache's share of the memory."""
    return max(1, min(rows, int(KV_SHARE * free / state_bytes) - PREFIX_SEQUENCES)) if state_bytes else rows


def lanes_for(options: LlamaOptions, parameters: int, trained: int, threads: int, rows: int, offload: bool) -> int:
    """Decoders side by side: threads of one decoder wait for each other at every layer, those of two do not.

    Each lane reads the weights for itself, so there are few for large models; cells that were asked for are divided only as
    far as every lane keeps a window of WINDOW tokens or the model's own. On a GPU one lane samples on the CPU while another
    decodes: 2.3 times the speed with four on an H200, for 135 M parameters; for large models that was not measured.
    """
    if options.lanes:
        return min(options.lanes, rows)
    if offload and parameters >= 500_000_000:
        return 1
    windows = options.n_ctx // min(trained or WINDOW, WINDOW) if options.n_ctx else rows
    return max(1, min(threads, rows, windows, 4 if parameters < 500_000_000 else 2))


def batch_size(parameters: int, offload: bool) -> int:
    """Tokens per decode call. Cancelling waits for one call, so large models on a CPU get short ones."""
    if offload:
        return 2048
    return 512 if parameters < 2_000_000_000 else 128


def cells_for(rows: int, trained: int, cell_bytes: float, free: int) -> int:
    """Cells of one lane for its rows and the prefixes, within a share of the free memory; at least one full window if that fits."""
    trained = trained or 4096
    wanted = rows * min(ROW_CELLS, trained) + PREFIX_SEQUENCES * min(PREFIX_CELLS, trained)
    wanted = max(wanted, min(trained, 8192))
    affordable = int(KV_SHARE * free / cell_bytes) if cell_bytes else wanted
    return max(LEAST_CELLS, min(wanted, affordable)) // 256 * 256
