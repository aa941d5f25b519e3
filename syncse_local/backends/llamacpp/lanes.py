"""Several decoders over one model side by side, a thread each: one lane samples while another computes.

Contexts are distributed by their order and size alone, so that what a lane does never depends on timing. Knows no tokens.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Protocol

from syncse_local.records import Completion, Context

POLL = 0.02
"""Seconds between two questions whether the run is cancelled, while no row finishes."""
AHEAD = 16
"""Contexts that wait in a lane's inbox: enough that no lane waits for the reader between two looks."""
LARGE = 8
"""A context with more than this many times the rows of one lane is divided among all."""


class Lane(Protocol):
    """What works on the contexts of one lane; see scheduler.Scheduler."""

    def run(
        self, contexts: Iterable[Context], cancelled: Callable[[], bool], gone: Callable[[], bool]
    ) -> Iterator[Completion]:
        """Completions in the order rows finish; once cancelled, those that are nearly done, unless nobody takes them."""


class Lanes:
    """Runs contexts over `lanes`, of which each has `rows` rows in flight. One `run` at a time."""

    def __init__(self, lanes: Sequence[Lane], rows: int) -> None:
        self._lanes, self._rows = lanes, rows

    def run(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """Completions in the order rows finish; `contexts` is read in the caller's thread."""
        if len(self._lanes) == 1:
            yield from self._lanes[0].run(contexts, cancelled, lambda: False)
            return
        yield from _LaneRun(self._lanes, distributed(contexts, len(self._lanes), self._rows)).run(cancelled)


class _LaneRun:
    """One run over several lanes: an inbox for each, one queue of what comes out."""

    def __init__(self, lanes: Sequence[Lane], source: Iterator[tuple[int, Context]]) -> None:
        self._source: Iterator[tuple[int, Context]] | None = source
        self._inboxes = [SimpleQueue[Context | None]() for _ in lanes]
        self._results = SimpleQueue[Completion | BaseException | int]()
        self._stop, self._gone = threading.Event(), threading.Event()
        self._working = len(lanes)
        self._threads = [
            threading.Thread(target=self._work, args=(lane, inbox), name=f"lane {i}", daemon=True)
            for i, (lane, inbox) in enumerate(zip(lanes, self._inboxes, strict=True))
        ]

    def run(self, cancelled: Callable[[], bool]) -> Iterator[Completion]:
        try:
            self._deal()
            for thread in self._threads:
                thread.start()
            while self._working and not cancelled():
                yield from self._received(POLL)
            self._stop.set()
            self._end_inboxes()
            while self._working:
                yield from self._received(None)
        finally:
            self._gone.set()
            self._stop.set()
            self._end_inboxes()
            for thread in self._threads:
                if thread.ident is not None:
                    thread.join()

    def _received(self, timeout: float | None) -> Iterator[Completion]:
        try:
            item = self._results.get(timeout=timeout)
        except Empty:
            return
        if isinstance(item, Completion):
            yield item
        elif isinstance(item, BaseException):
            raise item
        else:
            self._working -= item
            if not self._stop.is_set():
                self._deal()

    def _deal(self) -> None:
        """Fill the inboxes that run low, in the order of the source."""
        while self._source is not None and min(inbox.qsize() for inbox in self._inboxes) < AHEAD:
            found = next(self._source, None)
            if found is None:
                self._source = None
                self._end_inboxes()
            else:
                self._inboxes[found[0]].put(found[1])

    def _end_inboxes(self) -> None:
        for inbox in self._inboxes:
            inbox.put(None)

    def _work(self, lane: Lane, inbox: SimpleQueue[Context | None]) -> None:
        try:
            for completion in lane.run(self._arriving(inbox), self._stop.is_set, self._gone.is_set):
                self._results.put(completion)
            self._results.put(1)
        except BaseException as problem:
            self._results.put(problem)

    def _arriving(self, inbox: SimpleQueue[Context | None]) -> Iterator[Context]:
        while (context := inbox.get()) is not None:
            self._results.put(0)
            yield context


def distributed(contexts: Iterable[Context], lanes: int, rows: int) -> Iterator[tuple[int, Context]]:
    """(lane, context) in order: each to the lane that has got the fewest rows; a large one, and the last, to several."""
    loads = [0] * lanes
    last: Context | None = None
    for context in contexts:
        if last is not None:
            yield from _parts(last, loads, LARGE * rows)
        last = context
    if last is not None:
        yield from _parts(last, loads, rows)


def _parts(context: Context, loads: list[int], most: int) -> Iterator[tuple[int, Context]]:
    """The context, divided so that the loads become equal where it has more than `most` rows."""
    count = len(context.rows)
    whole = [0] * len(loads)
    whole[loads.index(min(loads))] = count
    start = 0
    for lane, share in enumerate(balanced(loads, count) if count > most else whole):
        if share:
            loads[lane] += share
            part = context if share == count else replace(context, rows=context.rows[start : start + share])
            yield lane, part
            start += share


def balanced(loads: Sequence[int], rows: int) -> list[int]:
    """How many of `rows` each lane gets so that the largest load ends as small as it can."""
    shares = [0] * len(loads)
    order = sorted(range(len(loads)), key=lambda lane: loads[lane])
    for used in range(len(order), 0, -1):
        total = sum(loads[lane] for lane in order[:used]) + rows
        if total >= used * loads[order[used - 1]]:
            lowest, over = divmod(total, used)
            for place, lane in enumerate(order[:used]):
                shares[lane] = lowest + (place < over) - loads[lane]
            break
    return shares
