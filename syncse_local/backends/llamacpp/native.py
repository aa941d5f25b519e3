"""The thin layer over llama.cpp's C API: load a model, make a context, decode a batch, share cells.

Knows pointers and their lifetimes; knows no rows, prompts or policy. Every object frees what it holds once.
"""

import ctypes
import logging
import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import llama_cpp as native
import numpy as np
from numpy.typing import NDArray

from syncse_local.backends.llamacpp.attention.library import Attention
from syncse_local.backends.llamacpp.options import FlashAttention, KvType
from syncse_local.backends.llamacpp.vocab import Vocab
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.gguf_parts import parts_of

log = logging.getLogger("syncse_local.llamacpp")
log.addHandler(logging.NullHandler())
NO_SLOT = 1
"""What llama_decode returns where the KV cache has no slot for a batch."""
# ggml_log_level of ggml.h; llama.cpp calls ordinary progress INFO.
_ERROR = 4
_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.WARNING, _ERROR: logging.ERROR}
_KV_TYPES: dict[KvType, int] = {"f32": 0, "f16": 1, "q8_0": 8}
"""Numbers of `enum ggml_type`."""
_FLASH: dict[FlashAttention, int] = {"auto": -1, "off": 0, "on": 1}
"""Numbers of `enum llama_flash_attn_type`."""
_FLASH_CHOSEN: dict[str, FlashAttention] = {"Flash Attention enabled": "on", "Flash Attention disabled": "off"}
Memory = Literal["attention", "sliding window", "hybrid", "recurrent"]
"""Cells for each token in all layers; in some layers of a window alone; beside one state a sequence; one state alone."""
STATES: tuple[Memory, ...] = ("hybrid", "recurrent")
"""Kinds with a state, which stands for all that a sequence has read: it is shared whole, or not at all."""
_recent: deque[str] = deque(maxlen=6)
_flash_said: deque[FlashAttention] = deque(maxlen=1)
_last_level = logging.DEBUG


def _receive(level: int, text: bytes | None, _: Any) -> None:
    global _last_level
    _last_level = _LEVELS.get(level, _last_level)
    line = (text or b"").decode("utf-8", "replace").strip()
    if line.strip("."):
        log.log(_last_level, "%s", line)
        if level == _ERROR:
            _recent.append(line)
        _flash_said.extend(way for said, way in _FLASH_CHOSEN.items() if line.endswith(said))


# llama.cpp keeps the pointer, so the callback lives as long as the module.
_callback = native.llama_log_callback(_receive)


def start() -> None:
    """Send llama.cpp's log to Python's logging, so that nothing is written to a terminal; safe to call again."""
    native.llama_log_set(_callback, ctypes.c_void_p(0))
    native.llama_backend_init()


def version() -> str:
    """Library and engine version."""
    return f"llama-cpp-python {native.__version__}, llama.cpp {native.llama_version().decode('ascii', 'replace')}"


class Model:
    """Weights and vocabulary, or with `vocab_only` no weights.

    Raises SyncseError(PREFLIGHT) with llama.cpp's own words when they cannot be loaded.
    """

    def __init__(self, path: Path, n_gpu_layers: int, vocab_only: bool = False) -> None:
        start()
        _recent.clear()
        params = native.llama_model_default_params()
        params.n_gpu_layers = n_gpu_layers
        params.check_tensors = True
        params.vocab_only = vocab_only
        parts = [os.fsencode(part) for part in parts_of(path)]
        self.pointer = (
            native.llama_model_load_from_splits((ctypes.c_char_p * len(parts))(*parts), len(parts), params)
            if len(parts) > 1
            else native.llama_model_load_from_file(parts[0], params)
        )
        if not self.pointer:
            said = "; ".join(_recent) or "llama.cpp gave no reason"
            raise SyncseError(
                "The model cannot be loaded",
                f"{path.name}: {said[:500]}.",
                "The file may be damaged, too large for the memory, or of a kind this llama.cpp does not know.",
                ExitCode.PREFLIGHT,
            )
        self.vocab = Vocab(self.pointer)
        self.train_ctx: int = native.llama_model_n_ctx_train(self.pointer)

    @property
    def generates(self) -> bool:
        """Whether this is a plain decoder (no encoder part, no diffusion)."""
        model = self.pointer
        return bool(
            native.llama_model_has_decoder(model)
            and not native.llama_model_has_encoder(model)
            and not native.llama_model_is_diffusion(model)
        )

    @property
    def memory(self) -> Memory:
        """What it remembers a sequence by."""
        if native.llama_model_is_recurrent(self.pointer):
            return "recurrent"
        if native.llama_model_is_hybrid(self.pointer):
            return "hybrid"
        return "sliding window" if native.llama_model_n_swa(self.pointer) > 0 else "attention"

    def close(self) -> None:
        """Free the weights; contexts must be closed before."""
        pointer, self.pointer = self.pointer, None
        if pointer:
            native.llama_model_free(pointer)


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of one lane: KV cells over all sequences, sequences, tokens per decode call, threads."""

    n_ctx: int
    n_seq: int
    n_batch: int
    threads: int
    kv_type: KvType
    flash_attn: FlashAttention


class Decoder:
    """A context over a model: one KV cache for all sequences, and the batch that is filled for each decode call."""

    def __init__(self, model: Model, shape: Shape, attention: Attention | None = None) -> None:
        _recent.clear()
        _flash_said.clear()
        self.attention = attention
        self.pointer = native.llama_init_from_model(model.pointer, self._params(shape))
        if not self.pointer:
            said = "; ".join(_recent) or "llama.cpp gave no reason"
            self.close()
            raise SyncseError(
                "The engine cannot be set up",
                f"No context of {shape.n_ctx} cells and {shape.n_seq} sequences: {said[:500]}.",
                "Give fewer rows in flight or a shorter context (--n-ctx), or free memory.",
                ExitCode.PREFLIGHT,
            )
        self.flash_attn: FlashAttention = _flash_said[0] if _flash_said else shape.flash_attn
        self._memory = native.llama_get_memory(self.pointer)
        self._vocab_size = model.vocab.size
        self.n_ctx: int = native.llama_n_ctx(self.pointer)
        self.n_batch: int = native.llama_n_batch(self.pointer)
        self._allocate(self.n_batch)

    def _params(self, shape: Shape) -> Any:
        params = native.llama_context_default_params()
        params.n_ctx, params.n_seq_max, params.n_batch = shape.n_ctx, shape.n_seq, shape.n_batch
        params.n_ubatch = min(512, shape.n_batch)
        params.n_threads = params.n_threads_batch = shape.threads
        params.type_k = params.type_v = _KV_TYPES[shape.kv_type]
        params.flash_attn_type = _FLASH[shape.flash_attn]
        params.kv_unified = params.swa_full = params.no_perf = True
        if self.attention:
            self.attention.watch(params)
        return params

    def _allocate(self, size: int) -> None:
        self.tokens = np.zeros(size, np.int32)
        self.positions = np.zeros(size, np.int32)
        self.sequences = np.zeros(size, np.int32)
        self.outputs = np.zeros(size, np.int8)
        self._ones = np.ones(size, np.int32)
        # seq_id is int**: entry i points at sequences[i], so filling `sequences` fills the batch.
        self._seq_pointers = self.sequences.ctypes.data + 4 * np.arange(size, dtype=np.uint64)
        int32 = ctypes.POINTER(ctypes.c_int32)
        self._batch = native.llama_batch()
        self._batch.token = self.tokens.ctypes.data_as(int32)
        self._batch.pos = self.positions.ctypes.data_as(int32)
        self._batch.n_seq_id = self._ones.ctypes.data_as(int32)
        self._batch.seq_id = ctypes.cast(self._seq_pointers.ctypes.data, ctypes.POINTER(int32))
        self._batch.logits = self.outputs.ctypes.data_as(ctypes.POINTER(ctypes.c_int8))

    def decode(self, count: int) -> bool:
        """Compute the first `count` entries; False when the cache has no room for them (nothing has changed then).

        Raises SyncseError when the engine fails.
        """
        return self.compute(count, native.llama_decode)

    def compute(self, count: int, function: Any) -> bool:
        """The same with another of llama.cpp's functions over a batch (`llama_encode`)."""
        self._batch.n_tokens = count
        _recent.clear()
        code = function(self.pointer, self._batch)
        if code == NO_SLOT:
            return False
        if code != 0:
            raise SyncseError(
                "The engine failed",
                f"{function.__name__} returned {code}: {'; '.join(_recent)[:500] or 'no reason given'}.",
                "Resume the run; if it fails again, use fewer rows in flight, no GPU layers or another model file.",
            )
        return True

    def logits(self, rows: int) -> NDArray[np.float32]:
        """Logits of the entries that asked for output, in batch order: (rows, vocabulary), writable, not a copy."""
        pointer = native.llama_get_logits(self.pointer)
        return np.ctypeslib.as_array(pointer, shape=(rows, self._vocab_size))

    def share(self, source: int, target: int, length: int) -> None:
        """Let `target` see the first `length` positions of `source` without copying them."""
        native.llama_memory_seq_cp(self._memory, source, target, 0, length)

    def forget(self, sequence: int) -> None:
        """Drop a sequence; cells that another one shares stay."""
        native.llama_memory_seq_rm(self._memory, sequence, -1, -1)

    def clear(self) -> None:
        """Drop everything (an encoder without a cache has nothing)."""
        if self._memory:
            native.llama_memory_clear(self._memory, False)

    def close(self) -> None:
        """Free the context."""
        pointer, self.pointer = self.pointer, None
        if pointer:
            native.llama_free(pointer)
        if self.attention:
            self.attention.close()
