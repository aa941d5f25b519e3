"""The sentences' vectors for an eval run: the run's encoder, and the cache before it. Knows no task and no score."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from syncse_local.encoders.open import open_encoder
from syncse_local.encoders.options import EncoderOptions
from syncse_local.evaluation.cache import VectorCache, identity
from syncse_local.modelfiles.hashing import encoder_sha256
from syncse_local.modelfiles.prompts import Prompts
from syncse_local.records import Reporter

NAME = "vectors.db"


class RunEncoder:
    """Opens the encoder and, where `cache_bytes` allows one, the cache in the workspace. `close` frees the encoder."""

    def __init__(
        self,
        path: Path,
        options: EncoderOptions,
        reporter: Reporter,
        connection: sqlite3.Connection,
        workspace: Path,
        cache_bytes: int,
    ) -> None:
        self._reporter = reporter
        self._encoder = open_encoder(path, options)
        self._cache = VectorCache(workspace / "cache" / NAME, cache_bytes) if cache_bytes else None
        self._sha256 = encoder_sha256(connection, path) if self._cache else ""

    def encode(self, sentences: Sequence[str], prompt: str | None = None) -> NDArray[Any]:
        """(n, d) vectors of distinct sentences behind `prompt` (None: the default one); an event says how many were cached."""

        def compute(left: Sequence[str]) -> NDArray[Any]:
            def stop(done: int) -> bool:
                self._reporter.progress(done, len(left), phase="encoding")
                return self._reporter.cancelled()

            return self._encoder.encode(left, stop, prompt)

        if self._cache is None:
            return compute(sentences)
        told = dict(self._encoder.settings) if prompt is None else {**self._encoder.settings, "prompt": prompt}
        found = self._cache.encode(identity(self._sha256, told), sentences, compute)
        self._reporter.event("vectors", cached=self._cache.hits, computed=len(sentences) - self._cache.hits)
        return found

    def close(self) -> None:
        """Free the encoder; notes and settings stay."""
        self._encoder.close()

    @property
    def notes(self) -> list[str]:
        """What a reader of the figures must know of the encoder and the cache."""
        problem = self._cache.problem if self._cache else ""
        return [*self._encoder.notes, *([f"the vector cache was not used: {problem}"] if problem else [])]

    @property
    def prompts(self) -> Prompts:
        """The encoder's own."""
        return self._encoder.prompts

    @property
    def similarity(self) -> str:
        """How the encoder wants its vectors compared."""
        return self._encoder.similarity

    @property
    def settings(self) -> dict[str, Any]:
        """How the encoder was set."""
        return dict(self._encoder.settings)
