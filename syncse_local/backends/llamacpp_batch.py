"""Continuous batching: keeps every sequence busy, admits rows while others write, decodes prefixes ahead of need.

Knows jobs, prefixes and KV room; knows nothing of files, options or where rows come from.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from syncse_local.backends.llamacpp_native import Decoder
from syncse_local.backends.llamacpp_rows import NO_TOKENS, Job, Prefix, Prompter, opened
from syncse_local.backends.llamacpp_vocab import Vocab
from syncse_local.backends.sampling import BROKEN, sample
from syncse_local.records import Completion, Context, Finish

AHEAD = 8


@dataclass(slots=True)
class Counters:
    """What the engine has done since it was made: decode calls, tokens through them, and seconds by kind of work."""

    calls: int = 0
    tokens: int = 0
    decoding: float = 0.0
    sampling: float = 0.0
    preempted: int = 0


class Scheduler:
    """Runs rows through one decoder. Sequences 0..rows-1 are rows, the next `holders` hold shared prefixes."""

    def __init__(self, vocab: Vocab, decoder: Decoder, prompter: Prompter, rows: int, holders: int) -> None:
        self._vocab, self._decoder, self._prompter = vocab, decoder, prompter
        self._rows, self._holders = rows, holders
        self.counters = Counters()
        self._reset()

    def _reset(self) -> None:
        self._decoder.clear()
        self.capacity = self._decoder.n_ctx
        self._used = 0
        self._free = list(range(self._rows))[::-1]
        self._free_holders = list(range(self._rows, self._rows + self._holders))[::-1]
        self._running: dict[int, Job] = {}
        self._prefixes: deque[Prefix] = deque()
        self._unopened: deque[Prefix] = deque()
        self._retry: deque[Job] = deque()
        self._waiting: Job | None = None
        self._position = np.zeros(self._rows, np.int32)
        self._last = np.zeros(self._rows, np.int32)
        self._writing = np.zeros(self._rows, bool)

    def run(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """Completions in the order rows finish; ends early, without the unfinished rows, once `cancelled()` is true."""
        source = opened(contexts, self._prompter)
        try:
            while not cancelled():
                self._open(source)
                yield from self._admit()
                count, writers = self._fill()
                if count:
                    yield from self._step(count, writers)
                elif not (self._running or self._prefixes or self._unopened):
                    return
        finally:
            self._reset()

    # -- admitting ---------------------------------------------------------------------------------------------------

    def _open(self, source: Iterator[Prefix]) -> None:
        while len(self._prefixes) < self._holders and self._free_holders:  # closed prefixes keep theirs while rows use them
            if not self._unopened and (found := next(source, None)) is None:
                return
            prefix = self._unopened[0] if self._unopened else found
            assert prefix is not None
            if not self._unopened:
                self._unopened.append(prefix)
            idle = not (self._prefixes or self._running)
            if self._used + len(prefix.tokens) > self.capacity and not idle:
                return
            self._unopened.popleft()
            if len(prefix.tokens):
                prefix.holder = self._free_holders.pop()
            self._used += len(prefix.tokens)
            self._prefixes.append(prefix)

    def _admit(self) -> Iterator[Completion]:
        while self._free:
            item = self._next()
            if item is None:
                return
            if isinstance(item, Completion):
                yield item
            elif self._used + item.room <= self.capacity:
                self._start(item)
            elif self._running:
                self._waiting = item
                return
            elif not self._evict():
                yield self._refuse(item)
            else:
                self._waiting = item

    def _next(self) -> Job | Completion | None:
        """The next row in plan order, or None while its prefix is still being decoded or nothing is left."""
        if self._waiting:
            item, self._waiting = self._waiting, None
            return item
        if self._retry:
            return self._retry.popleft()
        while self._prefixes and self._prefixes[0].ready:
            item_or_none = next(self._prefixes[0].rows, None)
            if item_or_none is not None:
                self._prefixes[0].left -= 1
                if isinstance(item_or_none, Job):
                    self._prefixes[0].users += 1
                return item_or_none
            self._close(self._prefixes.popleft())
        return None

    def _start(self, job: Job) -> None:
        job.sequence = self._free.pop()
        job.started = job.started or time.monotonic()
        self._used += job.room
        self._running[job.sequence] = job
        if job.shared and job.prefix:
            self._decoder.share(job.prefix.holder, job.sequence, job.shared)

    def _refuse(self, job: Job) -> Completion:
        self._leave(job)
        return job.completion("refused", f"The row needs {job.room} cells and the context holds {self.capacity}.")

    def _close(self, prefix: Prefix) -> None:
        """No further rows: the holder is free for the next context; cells stay while rows use them."""
        prefix.closed = True
        if prefix.users == 0:
            self._drop(prefix)

    def _drop(self, prefix: Prefix) -> None:
        if prefix.holder >= 0:
            self._decoder.forget([prefix.holder])
            self._free_holders.append(prefix.holder)
            prefix.holder = -1
        self._used -= len(prefix.tokens)

    def _evict(self) -> bool:
        """Put back the context opened last, if rows of an earlier one wait for its room."""
        if len(self._prefixes) < 2 or self._prefixes[-1].users:
            return False
        prefix = self._prefixes.pop()
        self._drop(prefix)
        prefix.fed = 0
        self._unopened.appendleft(prefix)
        return True

    # -- decoding ----------------------------------------------------------------------------------------------------

    def _fill(self) -> tuple[int, list[Job]]:
        """Fill the batch: one token of every writing row, then prompts, then prefixes of the contexts to come.

        Returns the number of entries and the rows that get a token from it, in batch order.
        """
        batch = self._decoder
        writing = np.flatnonzero(self._writing)
        count = len(writing)
        batch.tokens[:count] = self._last[writing]
        batch.positions[:count] = self._position[writing]
        batch.sequences[:count] = writing
        batch.outputs[:count] = 1
        writers = [self._running[slot] for slot in writing.tolist()]
        self._fed: list[tuple[Job | Prefix, int]] = []
        for job in self._running.values():
            if job.fed < len(job.tokens) and count < batch.n_batch:
                count = self._feed(job, job.sequence, count)
                if job.fed + self._fed[-1][1] == len(job.tokens):
                    batch.outputs[count - 1] = 1
                    writers.append(job)
        for prefix in self._prefixes:
            if not prefix.ready and count < batch.n_batch:
                count = self._feed(prefix, prefix.holder, count)
        return count, writers

    def _feed(self, item: Job | Prefix, sequence: int, start: int) -> int:
        batch = self._decoder
        length = min(len(item.tokens) - item.fed, batch.n_batch - start)
        end = start + length
        batch.tokens[start:end] = item.tokens[item.fed : item.fed + length]
        batch.positions[start:end] = np.arange(item.fed, item.fed + length, dtype=np.int32)
        batch.sequences[start:end] = sequence
        batch.outputs[start:end] = 0
        self._fed.append((item, length))
        return end

    def _step(self, count: int, writers: list[Job]) -> Iterator[Completion]:
        began = time.perf_counter()
        if not self._decoder.decode(count):
            yield from self._make_room()
            return
        self._position[self._writing] += 1
        for item, length in self._fed:
            item.fed += length
        drawn: list[int] = []
        middle = time.perf_counter()
        if writers:
            logits = self._decoder.logits(len(writers))
            middle = time.perf_counter()
            drawn = sample(logits, [job.sampler for job in writers])
        self.counters.calls += 1
        self.counters.tokens += count
        self.counters.decoding += middle - began
        self.counters.sampling += time.perf_counter() - middle
        for job, token in zip(writers, drawn, strict=True):
            if finish := self._take(job, token):
                self._release(job)
                yield job.completion(
                    finish, "The model computes no numbers (damaged weights)." if finish == "error" else ""
                )

    def _take(self, job: Job, token: int) -> Finish | None:
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

    def _release(self, job: Job) -> None:
        """Give back the row's sequence and cells."""
        slot = job.sequence
        self._decoder.forget([slot])
        self._writing[slot] = False
        del self._running[slot]
        self._free.append(slot)
        self._used -= job.room
        self._leave(job)

    def _leave(self, job: Job) -> None:
        prefix = job.prefix
        if prefix:
            prefix.users -= 1
            if prefix.closed and prefix.users == 0:
                self._drop(prefix)

    def _make_room(self) -> Iterator[Completion]:
        """The cache was full against our count: the row admitted last waits, and we count on less room from now on."""
        self.counters.preempted += 1
        if len(self._running) > 1 or (self._running and self._evict()):
            job = self._running[next(reversed(self._running))]
            if job.prefix:
                job.prefix.users += 1
            self._release(job)
            job.restart()
            self._retry.appendleft(job)
            self.capacity = max(self._used, 1)
        elif self._running:
            job = next(iter(self._running.values()))
            self._release(job)
            yield job.completion("error", "The engine has no room for this row's prompt.")
        elif not self._evict():
            prefix = self._prefixes[0]
            self._drop(prefix)
            prefix.tokens, prefix.fed = NO_TOKENS, 0
