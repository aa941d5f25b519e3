"""The llama.cpp engine: any GGUF text model, shared prompt prefixes, many rows in flight.

Knows how the pieces fit and how sizes are chosen; the C API is in native, the batching in scheduler.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from syncse_local.backends.chat import asked_of, choose_profile
from syncse_local.backends.llamacpp.attention.library import Attention, Doubt, why_missing
from syncse_local.backends.llamacpp.choose import choose_shapes, has_gpu, offload_warning, offloads
from syncse_local.backends.llamacpp.grammar import Grammar
from syncse_local.backends.llamacpp.kernels import slow_type
from syncse_local.backends.llamacpp.lanes import Lanes
from syncse_local.backends.llamacpp.native import STATES, Decoder, Model, Shape, version
from syncse_local.backends.llamacpp.options import LlamaOptions
from syncse_local.backends.llamacpp.rows import PromptTokeniser
from syncse_local.backends.llamacpp.scheduler import Scheduler
from syncse_local.backends.llamacpp.sizes import PREFIX_SEQUENCES
from syncse_local.backends.messages import guard
from syncse_local.backends.options import read_options
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.gguf import model_info
from syncse_local.modelfiles.hashing import model_sha256
from syncse_local.records import Completion, Context, InFlight

log = logging.getLogger("syncse_local.llamacpp")
OURS, THEIRS = "shared prefixes", "llama.cpp"
DISTRUSTED = "Attention over shared prefixes came to another result than llama.cpp's, which was used instead."


class LlamaCppBackend:
    """One GGUF model in llama.cpp; implements `Backend`.

    `options` are the fields of LlamaOptions. `sha256` is the model file's hash when the caller has it already.
    Raises SyncseError: USAGE for an unknown option, PREFLIGHT for a model that cannot be used.
    """

    name = "llamacpp"

    def __init__(self, model: Path, sha256: str = "", **options: Any) -> None:
        self._model: Model | None = None
        self._decoders: list[Decoder] = []
        self._doubt = Doubt(0)
        self._busy = False
        self.options = read_options(LlamaOptions, self.name, options)
        path = Path(model)
        self.info = model_info(path, sha256)
        if not sha256:
            self.info = replace(self.info, sha256=model_sha256(None, path))
        self.version = version() + asked_of(self.options.thinking, self.options.template)
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
        self._profile = choose_profile(
            self.info,
            self.options.chat_profile,
            model.vocab.bos,
            model.vocab.eos,
            self.options.thinking,
            self.options.template,
        )
        self.warnings = offload_warning(self.options)
        if not offloads(self.options) and (slow := slow_type(self.info.quantisation)):
            self.warnings.append(slow)
        self.warnings += self._profile.notes
        if not self.info.chat_template and self._profile.kind == "plain":
            self.warnings.append("The model brings no chat template: prompts are plain text.")
        self._shapes = choose_shapes(self.options, self.info, model)
        self._without = ""
        self._make_decoders(model)
        # What llama.cpp made of the sizes: it rounds cells up, and decides about flash attention where it may.
        self._shapes = [
            replace(shape, n_ctx=made.n_ctx, flash_attn=made.flash_attn)
            for shape, made in zip(self._shapes, self._decoders, strict=True)
        ]
        self._attends = self._tried(self._decoders[0])
        self._notice_doubt()
        cells = self._decoders[0].n_ctx
        window = min(cells, model.train_ctx or cells)
        for warning in self.warnings:
            log.warning("%s", warning)
        vocab = model.vocab
        rules = partial(Grammar, vocab.pointer)
        tokeniser = PromptTokeniser(
            self._profile,
            vocab.tokenise,
            guard([*vocab.specials, *self._profile.marks]),
            window,
            whole=model.memory in STATES,
            longest=vocab.longest,
            grammar=rules,
            thought=0 if self.options.thinking == "off" else self.options.thinking_tokens,
        )
        self._window = window
        rows = self._shapes[0].n_seq - PREFIX_SEQUENCES
        mixed = offloads(self.options)
        self._schedulers = [Scheduler(model.vocab, d, tokeniser, rows, PREFIX_SEQUENCES, mixed) for d in self._decoders]
        self._lanes = Lanes(self._schedulers, rows)

    def _make_decoders(self, model: Model, halvings: int = 2) -> None:
        """Decoders of the chosen size, or of a half or a quarter where the memory ends and no size was asked for."""
        try:
            for shape in self._shapes:
                self._decoders.append(Decoder(model, shape, self._attention(model, shape)))
        except SyncseError:
            if self.options.n_ctx or not halvings:
                raise
            self._close_decoders()
            smaller = max(256, self._shapes[0].n_ctx // 2)
            self._shapes = [replace(shape, n_ctx=smaller) for shape in self._shapes]
            self.warnings.append(f"The cache did not fit the memory; now {smaller} cells.")
            self._make_decoders(model, halvings - 1)

    def _attention(self, model: Model, shape: Shape) -> Attention | None:
        """Our own attention, where it can be used and nothing else was asked for."""
        usable = shape.kv_type == "f16" and shape.flash_attn != "off" and not has_gpu()
        if not usable or self.options.attention != "auto":
            return None
        self._without = why_missing()
        return None if self._without else Attention(shape.threads, self._doubt)

    def _tried(self, decoder: Decoder) -> str:
        """Who computes attention: found out with two tokens, because ours knows not every model's."""
        if not decoder.attention:
            return THEIRS
        decoder.tokens[:2] = decoder.sequences[:2] = decoder.outputs[:2] = 0
        decoder.positions[:2] = 0, 1
        decoder.decode(2)
        decoder.clear()
        ours, theirs = decoder.attention.layers()
        if not ours:
            return THEIRS
        return f"{OURS} in {ours} of {ours + theirs} layers" if theirs else OURS

    def generate(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """See `Backend.generate`. One at a time: a second one while the first runs raises RuntimeError."""
        if not self._decoders:
            raise RuntimeError("the backend is closed")
        if self._busy:
            raise RuntimeError("the backend is generating already")
        self._busy = True
        try:
            yield from self._lanes.run(contexts, cancelled)
        finally:
            self._busy = False
            if self._notice_doubt():
                log.warning(DISTRUSTED)

    def _notice_doubt(self) -> bool:
        """Record, once, that our attention came to another result than llama.cpp's; whether it is news."""
        if self._attends == THEIRS or not self._doubt.value:
            return False
        self._attends = THEIRS
        self.warnings.append(DISTRUSTED)
        return True

    def settings(self) -> dict[str, object]:
        """What was chosen, and what was asked for where that differs."""
        return {
            **asdict(self._shapes[0]),
            "lanes": len(self._shapes),
            "threads": sum(shape.threads for shape in self._shapes),
            "n_seq": sum(shape.n_seq - PREFIX_SEQUENCES for shape in self._shapes),
            "n_ctx": sum(shape.n_ctx for shape in self._shapes),
            "n_gpu_layers": self.options.n_gpu_layers,
            "window": self._window,
            "profile": self._profile.kind,
            "memory": model.memory if (model := self._model) else "",
            "shared_prefix": True,
            "attention": self._attends + (f" (ours is not there: {self._without})" if self._without else ""),
            "warnings": list(self.warnings),
        }

    def in_flight(self) -> InFlight:
        """See `Watched.in_flight`."""
        done = self.counters
        written = int(done.get("written", 0))
        return InFlight(sum(s.in_flight for s in self._schedulers), int(done.get("tokens", 0)) - written, written)

    @property
    def counters(self) -> dict[str, int | float]:
        """Decode calls, tokens and seconds of all lanes so far; see `Counters`."""
        total = Counter[str]()
        for scheduler in self._schedulers:
            total.update(asdict(scheduler.counters))
        return dict(total)

    def close(self) -> None:
        """Free contexts and weights; a second call does nothing."""
        self._close_decoders()
        model, self._model = self._model, None
        if model:
            model.close()

    def _close_decoders(self) -> None:
        while self._decoders:
            self._decoders.pop().close()
