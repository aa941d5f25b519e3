"""A GGUF embedding model in llama.cpp: BERT-like encoders, or decoders with a pooling over their last layer.

Sentences are tokenised as plain text, sorted by length and put into batches by tokens. Vectors have length one, as
llama.cpp's own programs give them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import llama_cpp as native
import numpy as np
from numpy.typing import NDArray

from syncse_local.backends.llamacpp.choose import default_threads
from syncse_local.backends.llamacpp.embed import MOST_ROWS, POOLINGS, Embedder
from syncse_local.backends.llamacpp.native import Model, version
from syncse_local.encoders.base import Stop, refused, stop_if
from syncse_local.encoders.options import EncoderOptions
from syncse_local.modelfiles.gguf import model_info

Tokens = NDArray[np.int32]
_NAMED = {"avg": "avg", "cls_before_pooler": "cls_before_pooler", "last_token": "last"}
"""What a user names, in the engine's words."""
_USUAL = 512  # tokens; a decoder's context of 100,000 is no length of a sentence


class GgufEncoder:
    """Raises SyncseError (PREFLIGHT) for a file that llama.cpp cannot load, a reranker or an encoder-decoder."""

    def __init__(self, path: Path, options: EncoderOptions) -> None:
        if options.pooling and options.pooling not in _NAMED:
            raise refused(f"llama.cpp has no pooling {options.pooling!r}.", f"Known are {', '.join(_NAMED)}.")
        info = model_info(path, generates=False)
        on_gpu = options.device != "cpu" and bool(native.llama_supports_gpu_offload())
        self._model = Model(path, -1 if on_gpu else 0)
        self._threads = options.threads or default_threads(info.parameters)
        try:
            own = self._own_pooling(path)
        except BaseException:
            self.close()
            raise
        self._pooling = _NAMED[options.pooling] if options.pooling else own or "avg"
        limit = self._model.train_ctx or _USUAL
        self._longest = min(options.max_length or _USUAL, limit)
        self.settings = {
            "pooling": self._pooling,
            "max_length": self._longest,
            "precision": info.quantisation,
            "engine": f"{version()}{' on a GPU' if on_gpu else ''}",
        }
        unsaid = not own and not options.pooling
        self.notes = ["the file names no pooling: the mean of the tokens is taken (--pooling)"] if unsaid else []

    def _own_pooling(self, path: Path) -> str:
        if native.llama_model_has_encoder(self._model.pointer) and native.llama_model_has_decoder(self._model.pointer):
            raise refused(f"{path.name} is an encoder-decoder.", "Use an embedding model.")
        probe = Embedder(self._model, 1, 1)
        found = probe.pooling
        probe.close()
        if found == "rank" or found not in POOLINGS:
            raise refused(f"{path.name} is a reranker or pools in an unknown way ({found}).", "Use an embedding model.")
        return "" if found == "none" else found

    def encode(self, sentences: Sequence[str], stop: Stop | None = None) -> NDArray[np.float32]:
        """See `SentenceEncoder.encode`; a sentence without any token is the zero vector."""
        rows = [self._tokens(sentence) for sentence in sentences]
        lengths = np.array([len(row) for row in rows])
        width = int(native.llama_model_n_embd_out(self._model.pointer))
        found = np.zeros((len(rows), width), np.float32)
        if not len(rows) or not lengths.max():
            return found
        embedder = Embedder(self._model, int(lengths.max()), self._threads, self._pooling)
        try:
            done = 0
            for group in _groups(lengths, embedder.n_batch):
                stop_if(stop, done)
                done += len(group)
                found[group] = embedder.embed([rows[place] for place in group])
        finally:
            embedder.close()
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        np.divide(found, norms, out=found, where=norms > 0)
        return found

    def _tokens(self, sentence: str) -> Tokens:
        """At most `max_length` tokens; a closing token that the model wants stays the last one."""
        tokens = self._model.vocab.tokenise(sentence, rendered=False)
        if len(tokens) <= self._longest:
            return tokens
        cut = tokens[: self._longest].copy()
        if self._model.vocab.closes(int(tokens[-1])):
            cut[-1] = tokens[-1]
        return cut

    def close(self) -> None:
        """Free the weights."""
        self._model.close()


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
