"""Sentence vectors out of llama.cpp: an embedding model in a GGUF file, many sentences to a call.

Knows pooling types and how a batch is laid out; knows no sentence's meaning and no task.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import llama_cpp as native
import numpy as np
from numpy.typing import NDArray

from syncse_local.backends.llamacpp.choose import default_threads, has_gpu
from syncse_local.backends.llamacpp.native import Decoder, Model, Shape, version
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.gguf import model_info

POOLINGS = {
    "none": native.LLAMA_POOLING_TYPE_NONE,
    "avg": native.LLAMA_POOLING_TYPE_MEAN,
    "cls_before_pooler": native.LLAMA_POOLING_TYPE_CLS,
    "last": native.LLAMA_POOLING_TYPE_LAST,
    "rank": native.LLAMA_POOLING_TYPE_RANK,
}
"""llama.cpp's ways to make one vector of a sentence."""
MOST_ROWS = native.llama_max_parallel_sequences()
_LEAST_BATCH = 512
"""Tokens of a call at least: short sentences share one."""
Tokens = NDArray[np.int32]


class LlamaEmbedding:
    """Implements `EmbeddingModel`. Raises SyncseError (PREFLIGHT) for a file that llama.cpp cannot load, and no embedder."""

    def __init__(self, path: Path, gpu: bool, threads: int = 0) -> None:
        info = model_info(path, generates=False)
        on_gpu = gpu and has_gpu()
        self._model = Model(path, -1 if on_gpu else 0)
        self._threads = threads or default_threads(info.parameters)
        self.engine = f"{version()}{' on a GPU' if on_gpu else ''}"
        self.precision = info.quantisation
        self.longest = self._model.train_ctx
        try:
            self.pooling = self._own_pooling(path)
        except BaseException:
            self.close()
            raise

    def _own_pooling(self, path: Path) -> str:
        if native.llama_model_has_encoder(self._model.pointer) and native.llama_model_has_decoder(self._model.pointer):
            raise _refused(f"{path.name} is an encoder-decoder.")
        probe = _Pooler(self._model, 1, 1)
        found = probe.pooling
        probe.close()
        if found == "rank" or found not in POOLINGS:
            raise _refused(f"{path.name} is a reranker or pools in an unknown way ({found}).")
        return "" if found == "none" else found

    def tokens(self, sentence: str, longest: int) -> Tokens:
        """At most `longest` tokens of plain text; a closing token that the model wants stays the last one."""
        tokens = self._model.vocab.tokenise(sentence, rendered=False)
        if len(tokens) <= longest:
            return tokens
        cut = tokens[:longest].copy()
        if self._model.vocab.closes(int(tokens[-1])):
            cut[-1] = tokens[-1]
        return cut

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return int(native.llama_model_n_embd_out(self._model.pointer))

    def vectors(self, rows: Sequence[Tokens], pooling: str) -> Iterator[tuple[list[int], NDArray[np.float32]]]:
        """Places of rows and their vectors, (len(places), d), longest rows first; rows without a token are left out."""
        lengths = np.array([len(row) for row in rows])
        if not len(rows) or not lengths.max():
            return
        pooler = _Pooler(self._model, int(lengths.max()), self._threads, pooling)
        try:
            for places in _groups(lengths, pooler.n_batch):
                yield places, pooler.embed([rows[place] for place in places])
        finally:
            pooler.close()

    def close(self) -> None:
        """Free the weights."""
        self._model.close()


class _Pooler(Decoder):
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

    def embed(self, rows: Sequence[Tokens]) -> NDArray[np.float32]:
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


def _groups(lengths: NDArray[np.int64], budget: int) -> Iterator[list[int]]:
    """Places of rows that are not empty, longest first, in groups of at most `budget` tokens and MOST_ROWS rows."""
    group: list[int] = []
    used = 0
    for place in np.argsort(-lengths, kind="stable").tolist():
        length = int(lengths[place])
        if not length:
            break
        if group and (used + length > budget or len(group) == MOST_ROWS):
            yield group
            group, used = [], 0
        group.append(place)
        used += length
    if group:
        yield group


def _refused(detail: str) -> SyncseError:
    return SyncseError("Encoder cannot be used", detail, "Use an embedding model.", ExitCode.PREFLIGHT)
