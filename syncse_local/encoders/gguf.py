"""A GGUF embedding model as an encoder: BERT-like encoders, or decoders with a pooling over their last layer.

Vectors have length one, as the programs that such files come from give them. Knows no engine; the registry has the one
that computes them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syncse_local.encoders.base import Stop, refused, stop_if
from syncse_local.encoders.options import EncoderOptions
from syncse_local.modelfiles.prompts import Prompts
from syncse_local.registry import load_embedding

_POOLINGS = {"avg": "avg", "cls_before_pooler": "cls_before_pooler", "last_token": "last"}
"""What a user may ask for, in the engine's words."""
_USUAL = 512
"""Tokens where no length is asked for; a decoder's context of 100,000 is no length of a sentence."""


class GgufEncoder:
    """Raises SyncseError (PREFLIGHT) for a file that the engine cannot load, a reranker or an encoder-decoder."""

    prompts, similarity = Prompts(), "cosine"

    def __init__(self, path: Path, options: EncoderOptions) -> None:
        if options.pooling and options.pooling not in _POOLINGS:
            raise refused(f"GGUF files have no pooling {options.pooling!r}.", f"Known are {', '.join(_POOLINGS)}.")
        self._model = load_embedding("gguf")(path, options.device != "cpu", options.threads)
        own = self._model.pooling
        self._pooling = _POOLINGS[options.pooling] if options.pooling else own or "avg"
        self._longest = min(options.max_length or _USUAL, self._model.longest or _USUAL)
        self.settings = {
            "pooling": self._pooling,
            "max_length": self._longest,
            "precision": self._model.precision,
            "engine": self._model.engine,
        }
        unsaid = not own and not options.pooling
        self.notes = ["the file names no pooling: the mean of the tokens is taken (--pooling)"] if unsaid else []

    def encode(
        self, sentences: Sequence[str], stop: Stop | None = None, prompt: str | None = None
    ) -> NDArray[np.float32]:
        """See `SentenceEncoder.encode`; a sentence without any token is the zero vector."""
        rows = [self._model.tokens((prompt or "") + sentence, self._longest) for sentence in sentences]
        found = np.zeros((len(rows), self._model.width), np.float32)
        done = 0
        stop_if(stop, done)
        for places, vectors in self._model.vectors(rows, self._pooling):
            found[places] = vectors
            done += len(places)
            if done < len(rows):
                stop_if(stop, done)
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        np.divide(found, norms, out=found, where=norms > 0)
        return found

    def close(self) -> None:
        """Free the weights."""
        self._model.close()
