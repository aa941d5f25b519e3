"""One flash attention as a ggml graph: the tensors as llama.cpp lays them out, and the exact result to hold it against."""

import ctypes
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_F32, _F16 = 0, 1
_LIB = Path(llama_cpp.__file__).parent / "lib"


class _Init(ctypes.Structure):
    _fields_ = (("mem_size", ctypes.c_size_t), ("mem_buffer", ctypes.c_void_p), ("no_alloc", ctypes.c_bool))


def _function(library: Any, name: str, result: Any, *arguments: Any) -> Any:
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


_P, _I, _L, _FL = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_float
_base = ctypes.CDLL(str(next(_LIB.glob("libggml-base.*"))))
_cpu = ctypes.CDLL(str(next(_LIB.glob("libggml-cpu.*"))))
_init = _function(_base, "ggml_init", _P, _Init)
_free = _function(_base, "ggml_free", None, _P)
_tensor = _function(_base, "ggml_new_tensor_4d", _P, _P, _I, _L, _L, _L, _L)
_data = _function(_base, "ggml_get_data", _P, _P)
_permute = _function(_base, "ggml_permute", _P, _P, _P, _I, _I, _I, _I)
_flash = _function(_base, "ggml_flash_attn_ext", _P, _P, _P, _P, _P, _P, _FL, _FL, _FL)
_sinks = _function(_base, "ggml_flash_attn_ext_add_sinks", None, _P, _P)
_described = _function(_base, "ggml_op_desc", ctypes.c_char_p, _P)
_graph = _function(_base, "ggml_new_graph", _P, _P)
_expand = _function(_base, "ggml_build_forward_expand", None, _P, _P)
_compute = _function(_cpu, "ggml_graph_compute_with_ctx", _I, _P, _P, _I)


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of one attention: query heads per key head, key heads, head sizes of keys and of values, tokens, cells."""

    tokens: int = 8
    cells: int = 256
    group: int = 3
    heads: int = 2
    size: int = 64
    values: int = 64


@dataclass(slots=True)
class Case:
    """What goes in. `sees[t, c]` says whether token t sees cell c; every token sees some."""

    sizes: Sizes
    queries: Floats
    keys: NDArray[np.float16]
    values: NDArray[np.float16]
    sees: NDArray[np.bool_]
    scale: float

    def exact(self, cap: float = 0.0, sinks: Floats | None = None) -> NDArray[np.float64]:
        """(tokens, query heads, head size) in 64 bits; scores bounded by `cap`, a logit for nothing of each query head."""
        s = self.sizes
        q = self.queries.astype(np.float64).reshape(s.tokens, s.heads, s.group, s.size)
        scores = np.einsum("thgd,chd->thgc", q, self.keys.astype(np.float64)) * self.scale
        scores = cap * np.tanh(scores / cap) if cap else scores
        scores = np.where(self.sees[:, None, None, :], scores, -np.inf)
        idle = np.full((s.heads, s.group, 1), -np.inf)
        if sinks is not None:
            idle = sinks.astype(np.float64).reshape(idle.shape)
        most = np.maximum(scores.max(-1, keepdims=True), idle)
        weights = np.exp(scores - most)
        weights /= weights.sum(-1, keepdims=True) + np.exp(idle - most)
        made = np.einsum("thgc,chv->thgv", weights, self.values.astype(np.float64))
        return np.asarray(made.reshape(s.tokens, s.heads * s.group, s.values))


def prefixes_and_rows(sizes: Sizes, seed: int, shared: int = 2, spread: float = 1.0) -> Case:
    """Tokens that see one of `shared` prefixes and some cells of their own, scattered over the cache."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(sizes.cells)
    prefixes = np.array_split(order[: sizes.cells // 2], shared)
    sees = np.zeros((sizes.tokens, sizes.cells), np.bool_)
    for token, own in enumerate(np.array_split(order[sizes.cells // 2 :], sizes.tokens)):
        sees[token, prefixes[rng.integers(shared)]] = True
        sees[token, own] = True
        if not sees[token].any():
            sees[token, token % sizes.cells] = True
    return random_case(sizes, sees, rng, spread)


def random_case(sizes: Sizes, sees: NDArray[np.bool_], rng: np.random.Generator, spread: float = 1.0) -> Case:
    """Random numbers with this mask."""
    s = sizes
    return Case(
        s,
        (spread * rng.standard_normal((s.tokens, s.heads * s.group, s.size))).astype(np.float32),
        rng.standard_normal((s.cells, s.heads, s.size)).astype(np.float16),
        rng.standard_normal((s.cells, s.heads, s.values)).astype(np.float16),
        sees,
        s.size**-0.5,
    )


@dataclass(slots=True)
class Graph:
    """The graph; `node` is the attention, with the mask of the graph `beside` it where there is one. Close it."""

    sizes: Sizes
    scale: float
    alibi: float = 0.0
    cap: float = 0.0
    sinks: Floats | None = None
    beside: "Graph | None" = None
    node: Any = field(init=False)
    _context: Any = field(init=False)

    def __post_init__(self) -> None:
        s = self.sizes
        self._context = context = _init(_Init(64 << 20, None, False))
        self._queries = _tensor(context, _F32, s.size, s.heads * s.group, s.tokens, 1)
        self._keys = _tensor(context, _F16, s.size, s.heads, s.cells, 1)
        self._values = _tensor(context, _F16, s.values, s.heads, s.cells, 1)
        self._mask = self.beside._mask if self.beside else _tensor(context, _F16, s.cells, s.tokens, 1, 1)
        q, k, v = (_permute(context, t, 0, 2, 1, 3) for t in (self._queries, self._keys, self._values))
        self.node = _flash(context, q, k, v, self._mask, self.scale, self.alibi, self.cap)
        if self.sinks is not None:
            sinks = _tensor(context, _F32, s.heads * s.group, 1, 1, 1)
            self._write(sinks, self.sinks)
            _sinks(self.node, sinks)
        self._graph = _graph(context)
        _expand(self._graph, self.node)

    _queries: Any = field(init=False)
    _keys: Any = field(init=False)
    _values: Any = field(init=False)
    _mask: Any = field(init=False)
    _graph: Any = field(init=False)

    def _write(self, tensor: Any, array: NDArray[Any]) -> None:
        made = np.ascontiguousarray(array)
        ctypes.memmove(_data(tensor), made.ctypes.data, made.nbytes)

    @property
    def operation(self) -> str:
        """What the attention's node is now."""
        return str(_described(self.node).decode())

    def result(self) -> Floats:
        """(tokens, query heads, head size), a view."""
        s = self.sizes
        shape = (s.tokens, s.heads * s.group, s.values)
        pointer = ctypes.cast(_data(self.node), ctypes.POINTER(ctypes.c_float))
        return np.ctypeslib.as_array(pointer, shape)

    def fill(self, case: Case) -> None:
        """Set the numbers of a call."""
        self._write(self._queries, case.queries)
        self._write(self._keys, case.keys)
        self._write(self._values, case.values)
        self._write(self._mask, np.where(case.sees, 0, -np.inf).astype(np.float16))

    def compute(self, threads: int) -> None:
        """Compute the graph as it is."""
        assert _compute(self._context, self._graph, threads) == 0

    def close(self) -> None:
        """Free it."""
        _free(self._context)
