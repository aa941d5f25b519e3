"""Who may enter the KV cache and when: sequences, shared prefixes and cells. Rows wait here when the cache is full.

Counts the cells that a row may need before it enters, so that decoding never runs out; does not decode.
"""

import time
from collections import deque
from collections.abc import Iterator

from syncse_local.backends.llamacpp.native import Decoder
from syncse_local.backends.llamacpp.rows import NO_TOKENS, Prefix, RowJob
from syncse_local.records import Completion

AHEAD = 8
"""The next context is opened when at most an eighth of the rows in flight is left to start."""


class Admission:
    """Sequences 0..rows-1 are rows, the next `prefix_sequences` hold shared prefixes. One instance per `generate`."""

    def __init__(self, decoder: Decoder, source: Iterator[Prefix], rows: int, prefix_sequences: int) -> None:
        self._decoder, self._source, self._rows, self._prefix_sequences = decoder, source, rows, prefix_sequences
        self.capacity = decoder.n_ctx
        self.running: dict[int, RowJob] = {}
        self.prefixes: deque[Prefix] = deque()
        self._used = 0
        self._free = list(range(rows))[::-1]
        self._free_prefix_sequences = list(range(rows, rows + prefix_sequences))[::-1]
        self._unopened: deque[Prefix] = deque()
        self._retry: deque[RowJob] = deque()
        self._waiting: RowJob | None = None
        self._exhausted = False

    @property
    def empty(self) -> bool:
        """Whether nothing is in flight and nothing will come."""
        return self._exhausted and not (self.running or self.prefixes or self._unopened or self._retry or self._waiting)

    def open(self) -> None:
        """Open contexts just before their rows are needed: the cells of a prefix cost every token in flight."""
        while len(self.prefixes) < self._prefix_sequences and sum(p.left for p in self.prefixes) <= self._rows // AHEAD:
            if not self._unopened:
                if (found := next(self._source, None)) is None:
                    self._exhausted = True
                    return
                self._unopened.append(found)
            prefix = self._unopened[0]
            idle = not (self.prefixes or self.running)
            if self._used + len(prefix.tokens) > self.capacity and not idle:
                return
            self._unopened.popleft()
            if len(prefix.tokens):
                prefix.sequence = self._free_prefix_sequences.pop()
            self._used += len(prefix.tokens)
            self.prefixes.append(prefix)

    def admit(self) -> Iterator[Completion]:
        """Start rows while there are sequences and cells; yields the rows that never can."""
        while self._free and (item := self._next()) is not None:
            if isinstance(item, Completion):
                yield item
            elif self._used + item.cells_needed <= self.capacity:
                self._start(item)
            elif self.running:
                self._waiting = item
                return
            elif self.evict():
                self._waiting = item
            else:
                self._leave(item)
                said = (
                    f"The row needs {item.cells_needed} cells beside its prefix and the context holds {self.capacity}."
                )
                yield item.completion("refused", said)

    def _next(self) -> RowJob | Completion | None:
        """The next row in plan order, or None while its prefix is still being decoded or nothing is left."""
        if self._waiting:
            item, self._waiting = self._waiting, None
            return item
        if self._retry:
            return self._retry.popleft()
        while self.prefixes and self.prefixes[0].ready:
            prefix = self.prefixes[0]
            found = next(prefix.rows, None)
            if found is not None:
                prefix.left -= 1
                prefix.users += isinstance(found, RowJob)
                return found
            self.prefixes.popleft()
            prefix.closed = True
            self._free_sequence(prefix)
            if prefix.users == 0:
                self._used -= len(prefix.tokens)
        return None

    def _start(self, job: RowJob) -> None:
        job.sequence = self._free.pop()
        job.started = job.started or time.monotonic()
        self._used += job.cells_needed
        self.running[job.sequence] = job
        if job.shared and job.prefix:
            self._decoder.share(job.prefix.sequence, job.sequence, job.shared)

    def release(self, job: RowJob) -> None:
        """Give back a running row's sequence and cells."""
        self._decoder.forget(job.sequence)
        del self.running[job.sequence]
        self._free.append(job.sequence)
        self._used -= job.cells_needed
        self._leave(job)

    def _leave(self, job: RowJob) -> None:
        prefix = job.prefix
        if prefix:
            prefix.users -= 1
            if prefix.closed and prefix.users == 0:
                self._used -= len(prefix.tokens)

    def _free_sequence(self, prefix: Prefix) -> None:
        """Free the prefix's own sequence; its cells stay while rows share them."""
        if prefix.sequence >= 0:
            self._decoder.forget(prefix.sequence)
            self._free_prefix_sequences.append(prefix.sequence)
            prefix.sequence = -1

    def _drop(self, prefix: Prefix) -> None:
        self._free_sequence(prefix)
        self._used -= len(prefix.tokens)

    def evict(self) -> bool:
        """Put back the context opened last, if rows of an earlier one wait for its cells."""
        if len(self.prefixes) < 2 or self.prefixes[-1].users:
            return False
        prefix = self.prefixes.pop()
        self._drop(prefix)
        prefix.computed = 0
        self._unopened.appendleft(prefix)
        return True

    def preempt(self) -> Completion | None:
        """The cache was full against our count: the row that came last gives up its cells, and fewer are counted on.

        Returns the answer of a row that does not fit even alone.
        """
        if self.evict():
            return None
        if len(self.running) > 1:
            job = self.running[next(reversed(self.running))]
            if job.prefix and not job.prefix.closed:
                job.prefix.users += 1
            self.release(job)
            if job.prefix and job.prefix.closed:
                job.prefix, job.shared = None, 0
            job.restart()
            self._retry.appendleft(job)
            self.capacity = max(self._used, 1)
            return None
        if self.running:
            job = next(iter(self.running.values()))
            self.release(job)
            return job.completion("refused", "The engine has no room for this row's prompt.")
        prefix = self.prefixes[0]
        self._drop(prefix)
        prefix.tokens, prefix.computed = NO_TOKENS, 0
        return None
