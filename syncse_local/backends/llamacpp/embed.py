"""Sentence vectors out of llama.cpp: a context with embeddings on, one batch of many sequences at a time.

Knows pooling types and how a batch is laid out; knows no file's meaning and no task.
"""

from collections.abc import Sequence
from typing import Any

import llama_cpp as native
import numpy as np
from numpy.typing import NDArray

from syncse_local.backends.llamacpp.native import Decoder, Model, Shape
from syncse_local.errors import SyncseError

POOLINGS = {
    "none": native.LLAMA_POOLING_TYPE_NONE,
    "avg": native.LLAMA_POOLING_TYPE_MEAN,
    "cls_before_pooler": native.LLAMA_POOLING_TYPE_CLS,
    "last": native.LLAMA_POOLING_TYPE_LAST,
    "rank": native.LLAMA_POOLING_TYPE_RANK,
}
MOST_ROWS = native.llama_max_parallel_sequences()
_LEAST_BATCH = 512


class Embedder(Decoder):
    """A context that pools each sequence into one vector; `pooling` None is the one that the model's file names."""

    def __init__(self, model: Model, longest: int, threads: int, pooling: str | None = None) -> None:
        self._type = native.LLAMA_POOLING_TYPE_UNSPECIFIED if pooling is None else POOLINGS[pooling]
        self._width: int = native.llama_model_n_embd_out(model.pointer)
        self._encodes = bool(native.llama_model_has_encoder(model.pointer))
        size = max(_LEAST_BATCH, longest)
        super().__init__(model, Shape(size, MOST_ROWS, size, threads, "f16", "auto"))
        self.outputs[:] = 1

    def _params(self, shape: Shape) -> Any:
        params = super()._params(shape)
        params.embeddings, params.pooling_type = True, self._type
        params.n_ubatch = shape.n_batch  # attention to both sides needs a sequence in one piece
        return params

    @property
    def pooling(self) -> str:
        """The pooling in use."""
        found = native.llama_pooling_type(self.pointer)
        return next((name for name, number in POOLINGS.items() if number == found), str(found))

    def embed(self, rows: Sequence[NDArray[np.int32]]) -> NDArray[np.float32]:
        """(len(rows), d) vectors of rows of tokens, none of them empty, that together fit `n_batch`.

        Raises SyncseError when the engine fails.
        """
        at = 0
        for number, row in enumerate(rows):
            part = slice(at, at + len(row))
            self.tokens[part], self.positions[part], self.sequences[part] = row, np.arange(len(row)), number
            at += len(row)
        self.clear()
        if not self.compute(at, native.llama_encode if self._encodes else native.llama_decode):
            raise SyncseError("The engine failed", f"{at} tokens do not fit its cache.", "Give a smaller --max-length.")
        found = np.empty((len(rows), self._width), np.float32)
        for number in range(len(rows)):
            pointer = native.llama_get_embeddings_seq(self.pointer, number)
            found[number] = np.ctypeslib.as_array(pointer, shape=(self._width,)) if pointer else np.nan
        return found
