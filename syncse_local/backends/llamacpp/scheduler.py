"""Continuous batching: what goes into each decode call, and what becomes of the tokens that come out.

Knows jobs and batches; who may enter is decided in admission.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syncse_local.backends.llamacpp.admission import Admission
from syncse_local.backends.llamacpp.native import Decoder
from syncse_local.backends.llamacpp.rows import Prefix, PromptTokeniser, RowJob, opened
from syncse_local.backends.llamacpp.vocab import Vocab
from syncse_local.backends.sampling import BROKEN, Logits, sample
from syncse_local.records import Completion, Context, Finish

SMALL_BATCH = 60
"""On a CPU llama.cpp's attention over fewer than 64 tokens passes over cells of other rows; over more it computes them."""
FINISH_SECONDS = 20.0
"""How long a cancelled run may go on with rows that are nearly done: a person who stops a run waits so long at most."""
PROMPT_TOKENS, PATIENCE = 96, 6
"""Prompt tokens that are worth a call of their own, and how many calls they wait to be as many (docs/decisions/lanes.md)."""
DAMAGED = "The model computes no numbers: its weights are damaged."


@dataclass(slots=True)
class Counters:
    """What the engine has done since it was made: decode calls, tokens through them, and seconds by kind of work.

    `written` are the tokens that rows drew; `ended` rows wrote `ended_tokens` of them.
    `prompt_tokens` and `prompt_seconds` are of the calls in which no row wrote.
    """

    calls: int = 0
    tokens: int = 0
    decoding: float = 0.0
    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    sampling: float = 0.0
    preempted: int = 0
    written: int = 0
    ended: int = 0
    ended_tokens: int = 0


def draw(logits: Logits, jobs: list[RowJob]) -> list[int]:
    """One token per row; a row with a grammar draws again, among what may follow, when its token may not.

    This gives the distribution of the masked logits, and looks at the whole vocabulary only when it must.
    """
    ruled = [(i, job, logits[i].copy()) for i, job in enumerate(jobs) if job.grammar]
    drawn = sample(logits, [job.sampler for job in jobs])
    for i, job, values in ruled:
        if job.grammar and drawn[i] != BROKEN and not job.grammar.allows(drawn[i]):
            drawn[i] = sample(job.grammar.mask(values)[None, :], [job.sampler])[0]
    return drawn


class Scheduler:
    """Runs rows through one decoder, `rows` at a time, sharing up to `prefix_sequences` prefixes.

    `mixed` puts prompts and writing rows into one decode call, which suits a GPU.
    """

    def __init__(
        self, vocab: Vocab, decoder: Decoder, tokeniser: PromptTokeniser, rows: int, prefix_sequences: int, mixed: bool
    ) -> None:
        self._vocab, self._decoder, self._tokeniser = vocab, decoder, tokeniser
        self._rows, self._prefix_sequences, self._mixed = rows, prefix_sequences, mixed
        self.counters = Counters()
        self._entered: Admission | None = None

    @property
    def in_flight(self) -> int:
        """Rows that have entered and not ended; may be asked from another thread."""
        return len(self._entered.running) if self._entered else 0

    def run(
        self, contexts: Iterable[Context], cancelled: Callable[[], bool], gone: Callable[[], bool] = lambda: False
    ) -> Iterator[Completion]:
        """Completions in the order rows finish. Once `cancelled()`, only rows that are nearly done are finished.

        `gone()` says that nobody wants these any more either.
        """
        self._decoder.clear()
        self._admission = self._entered = Admission(
            self._decoder, opened(contexts, self._tokeniser), self._rows, self._prefix_sequences
        )
        self._position = np.zeros(self._rows, np.int32)
        self._last = np.zeros(self._rows, np.int32)
        self._writing = np.zeros(self._rows, bool)
        self._patience = PATIENCE
        self._turn, self._begun = 0, self.counters.ended
        while not cancelled():
            self._admission.open()
            yield from self._admission.admit()
            count, writers = self._fill()
            if count:
                yield from self._step(count, writers)
            elif self._admission.empty:
                return
        yield from self._finish(gone)

    def _finish(self, gone: Callable[[], bool]) -> Iterator[Completion]:
        """Go on with the rows that are nearly done, as long as that takes less than FINISH_SECONDS."""
        done, began = self.counters, time.monotonic()
        if not done.ended:
            return
        length = done.ended_tokens / done.ended
        step = (done.decoding + done.sampling - done.prompt_seconds) / max(1, done.calls)
        for slot in np.flatnonzero(self._writing).tolist():
            written = self._admission.running[slot].generated
            left = max(length - written, 1)
            self._writing[slot] = 2 * written >= length and left * step < FINISH_SECONDS
        while self._writing.any() and time.monotonic() - began < FINISH_SECONDS and not gone():
            writing = np.flatnonzero(self._writing)[: self._rows if self._mixed else SMALL_BATCH]
            yield from self._step(*self._write_batch(writing, []))

    def _fill(self) -> tuple[int, list[RowJob]]:
        """Fill the batch; returns the number of entries and the rows that get a token from it, in batch order.

        Where calls are not mixed, prompts wait up to PATIENCE calls until PROMPT_TOKENS of them are there, and more
        than SMALL_BATCH writing rows take turns. The first rows write to their end before others are read: a person sees an
        answer after seconds, and it costs a second of smaller batches.
        """
        writing = np.flatnonzero(self._writing)
        waiting: list[RowJob | Prefix] = [
            job for job in self._admission.running.values() if job.computed < len(job.tokens)
        ]
        waiting += [prefix for prefix in self._admission.prefixes if not prefix.ready]
        if not self._mixed and len(writing) and waiting:
            self._patience -= 1
            if self.counters.ended == self._begun:
                waiting = []
            elif sum(len(item.tokens) - item.computed for item in waiting) >= PROMPT_TOKENS or self._patience < 0:
                writing, self._patience = writing[:0], PATIENCE
            else:
                waiting = []
        if not self._mixed and len(writing) > SMALL_BATCH:
            self._turn = (self._turn + SMALL_BATCH) % len(writing)
            writing = np.roll(writing, -self._turn)[:SMALL_BATCH]
        return self._write_batch(writing, waiting)

    def _write_batch(self, writing: NDArray[np.intp], waiting: list[RowJob | Prefix]) -> tuple[int, list[RowJob]]:
        batch = self._decoder
        count = len(writing)
        batch.tokens[:count] = self._last[writing]
        batch.positions[:count] = self._position[writing]
        batch.sequences[:count] = writing
        batch.outputs[:count] = 1
        self._stepped = writing
        self._prefilled: list[tuple[RowJob | Prefix, int]] = []
        writers = [self._admission.running[slot] for slot in writing.tolist()]
        for item in waiting:
            start = count
            length = min(len(item.tokens) - item.computed, batch.n_batch - start)
            if length == 0:
                break
            count += length
            batch.tokens[start:count] = item.tokens[item.computed : item.computed + length]
            batch.positions[start:count] = np.arange(item.computed, item.computed + length, dtype=np.int32)
            batch.sequences[start:count] = item.sequence
            batch.outputs[start:count] = 0
            self._prefilled.append((item, length))
            if isinstance(item, RowJob) and item.computed + length == len(item.tokens):
                batch.outputs[count - 1] = 1
                writers.append(item)
        return count, writers

    def _step(self, count: int, writers: list[RowJob]) -> Iterator[Completion]:
        began = time.perf_counter()
        if not self._decoder.decode(count):
            self.counters.preempted += 1
            if answer := self._preempt():
                yield answer
            return
        self._position[self._stepped] += 1
        for item, length in self._prefilled:
            item.computed += length
        drawn: list[int] = []
        middle = time.perf_counter()
        if writers:
            logits = self._decoder.logits(len(writers))
            middle = time.perf_counter()
            drawn = draw(logits, writers)
        self.counters.calls += 1
        self.counters.tokens += count
        self.counters.decoding += middle - began
        if not len(self._stepped):
            self.counters.prompt_tokens += count
            self.counters.prompt_seconds += middle - began
        self.counters.written += len(drawn)
        self.counters.sampling += time.perf_counter() - middle
        for job, token in zip(writers, drawn, strict=True):
            if finish := self._accept(job, token):
                self._writing[job.sequence] = False
                self.counters.ended += 1
                self.counters.ended_tokens += job.generated
                self._admission.release(job)
                yield job.completion(finish, DAMAGED if finish == "error" else "")

    def _accept(self, job: RowJob, token: int) -> Finish | None:
        if token == BROKEN:
            return "error"
        if self._vocab.ends[token]:
            return "stop"
        finish = job.add(token, self._vocab.piece(token))
        if finish is None:
            slot = job.sequence
            if not self._writing[slot]:
                self._writing[slot] = True
                self._position[slot] = len(job.tokens)
            self._last[slot] = token
        return finish

    def _preempt(self) -> Completion | None:
        before = set(self._admission.running)
        answer = self._admission.preempt()
        self._writing[list(before - set(self._admission.running))] = False
        return answer
