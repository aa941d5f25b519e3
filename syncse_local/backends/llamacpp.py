"""The llama.cpp engine: any GGUF text model, shared prompt prefixes, many rows in flight.

Knows how the pieces fit and how sizes are chosen; the C API is in llamacpp_native, the batching in llamacpp_batch.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from syncse_local.backends.base import LlamaOptions, Promises
from syncse_local.backends.chat import choose_profile, guard
from syncse_local.backends.gguf import file_sha256, model_info
from syncse_local.backends.llamacpp_batch import Scheduler
from syncse_local.backends.llamacpp_cells import HOLDERS
from syncse_local.backends.llamacpp_native import Decoder, Model, version
from syncse_local.backends.llamacpp_rows import Prompter
from syncse_local.backends.llamacpp_size import choose_shape, offload_warning, offloads
from syncse_local.backends.options import read_options
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion, Context

log = logging.getLogger("syncse_local.llamacpp")


class LlamaCppBackend:
    """One GGUF model in llama.cpp; implements `Backend`.

    `options` are the fields of LlamaOptions. `sha256` is the model file's hash when the caller has it already.
    Raises SyncseError: USAGE for an unknown option, PREFLIGHT for a model that cannot be used.
    """

    name = "llamacpp"
    promises = Promises(
        deterministic_alone=True,
        deterministic_in_batch=False,
        notes="The batch size changes the order of float sums: a row's text may differ where two tokens are close.",
    )

    def __init__(self, model: Path, sha256: str = "", **options: Any) -> None:
        self._model: Model | None = None
        self._decoder: Decoder | None = None
        self._busy = False
        self.options = read_options(LlamaOptions, self.name, options)
        path = Path(model)
        self.info = model_info(path, sha256)
        if not sha256:
            self.info = replace(self.info, sha256=file_sha256(path))
        self.version = version()
        try:
            self._load(path)
        except BaseException:
            self.close()
            raise

    def _load(self, path: Path) -> None:
        self._model = model = Model(path, self.options.n_gpu_layers)
        if not model.generates:
            raise SyncseError(
                "Not a text generation model",
                f"{path.name} ({self.info.architecture}) is no plain left-to-right decoder.",
                "Give the GGUF of a decoder-only language model.",
                ExitCode.PREFLIGHT,
            )
        self._profile = choose_profile(self.info, self.options.chat_profile, model.vocab.bos, model.vocab.eos)
        self.warnings = offload_warning(self.options)
        self._decoder = self._decoder_that_fits(model)
        window = min(self._decoder.n_ctx, model.train_ctx or self._decoder.n_ctx)
        sharing = not model.unshareable
        if not sharing:
            self.warnings.append(f"The model's memory is {model.unshareable}: prefixes are decoded for every row.")
        for warning in self.warnings:
            log.warning("%s", warning)
        prompter = Prompter(
            self._profile, model.vocab.tokenise, guard(model.vocab.specials), window, sharing, model.vocab.longest
        )
        self._window, self._sharing = window, sharing
        self._scheduler = Scheduler(
            model.vocab, self._decoder, prompter, self._shape.n_seq - HOLDERS, HOLDERS, offloads(self.options)
        )

    def _decoder_that_fits(self, model: Model) -> Decoder:
        """A decoder of the chosen size, or of a half or a quarter where the memory ends and no size was asked for."""
        self._shape = choose_shape(self.options, self.info, model)
        for _ in range(2):
            try:
                return Decoder(model, self._shape)
            except SyncseError:
                if self.options.n_ctx:
                    raise
                self._shape = replace(self._shape, n_ctx=max(256, self._shape.n_ctx // 2))
                self.warnings.append(f"The cache did not fit the memory; now {self._shape.n_ctx} cells.")
        return Decoder(model, self._shape)

    def generate(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """See `Backend.generate`. One at a time: a second one while the first runs raises RuntimeError."""
        if self._decoder is None:
            raise RuntimeError("the backend is closed")
        if self._busy:
            raise RuntimeError("the backend is generating already")
        self._busy = True
        try:
            yield from self._scheduler.run(contexts, cancelled)
        finally:
            self._busy = False

    def settings(self) -> dict[str, object]:
        """What was chosen, and what was asked for where that differs."""
        return {
            **asdict(self._shape),
            "n_seq": self._shape.n_seq - HOLDERS,
            "n_ctx": self._decoder.n_ctx if self._decoder else self._shape.n_ctx,
            "n_gpu_layers": self.options.n_gpu_layers,
            "window": self._window,
            "profile": self._profile.kind,
            "shared_prefix": self._sharing,
            "warnings": list(self.warnings),
        }

    @property
    def counters(self) -> dict[str, int | float]:
        """Decode calls, tokens and seconds so far; see `Counters`."""
        return asdict(self._scheduler.counters)

    def close(self) -> None:
        """Free context and weights; a second call does nothing."""
        decoder, self._decoder = self._decoder, None
        model, self._model = self._model, None
        if decoder:
            decoder.close()
        if model:
            model.close()
