"""How contexts are distributed to lanes, and what happens when a lane fails, is cancelled or is given up."""

import threading
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncse_local.backends.llamacpp.lanes import Lanes, balanced, distributed
from syncse_local.records import Completion, Context, Row, Sampling


def context(name: int, rows: int) -> Context:
    """A context of `rows` rows."""
    return Context(str(name), (), [Row(f"{name}/{i}", "x", i, Sampling()) for i in range(rows)])


class Echo:
    """A lane that answers each row with its own name, and fails at a row where asked."""

    def __init__(self, fail_at: str = "") -> None:
        self.fail_at, self.thread = fail_at, ""

    def run(
        self, contexts: Iterable[Context], cancelled: Callable[[], bool], gone: Callable[[], bool]
    ) -> Iterator[Completion]:
        self.thread = threading.current_thread().name
        for found in contexts:
            for row in found.rows:
                if cancelled():
                    return
                if row.key == self.fail_at:
                    raise ValueError(row.key)
                yield Completion(row.key, self.thread, "stop")


@given(st.lists(st.integers(0, 60), max_size=30), st.integers(1, 5), st.integers(1, 4))
def test_every_row_is_dealt_once_in_order(sizes: list[int], lanes: int, rows: int) -> None:
    work = [context(i, size) for i, size in enumerate(sizes)]
    found = list(distributed(iter(work), lanes, rows))
    assert sorted(r.key for _, c in found for r in c.rows) == sorted(r.key for c in work for r in c.rows)
    assert all(0 <= lane < lanes and c.rows for lane, c in found)
    for lane in range(lanes):
        keys = [tuple(map(int, r.key.split("/"))) for at, c in found if at == lane for r in c.rows]
        assert keys == sorted(keys)
    loads = [sum(len(c.rows) for at, c in found if at == lane) for lane in range(lanes)]
    assert max(loads) - min(loads) <= max(8 * rows, 1)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8), st.integers(0, 3000))
def test_levelling_makes_the_largest_load_as_small_as_it_can_be(loads: list[int], rows: int) -> None:
    shares = balanced(loads, rows)
    assert sum(shares) == rows
    assert min(shares) >= 0
    ends = [load + share for load, share in zip(loads, shares, strict=True)]
    assert max(ends) == max(max(loads), -(-(sum(loads) + rows) // len(loads)))


def test_rows_come_from_every_lane() -> None:
    lanes = [Echo(), Echo(), Echo()]
    found = list(Lanes(lanes, 4).run((context(i, 10) for i in range(9)), lambda: False))
    assert sorted(c.key for c in found) == sorted(f"{i}/{r}" for i in range(9) for r in range(10))
    assert {c.text for c in found} == {"lane 0", "lane 1", "lane 2"}


def test_a_failing_lane_ends_the_run_and_its_threads() -> None:
    with pytest.raises(ValueError, match="3/2"):
        list(Lanes([Echo("3/2"), Echo("3/2")], 4).run((context(i, 10) for i in range(50)), lambda: False))
    assert not [t for t in threading.enumerate() if t.name.startswith("lane")]


def test_a_source_that_fails_ends_the_threads() -> None:
    def source() -> Iterator[Context]:
        yield context(0, 40)
        yield context(1, 40)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(Lanes([Echo(), Echo()], 4).run(source(), lambda: False))
    assert not [t for t in threading.enumerate() if t.name.startswith("lane")]


def test_an_abandoned_and_a_cancelled_run_leave_no_thread() -> None:
    running = Lanes([Echo(), Echo()], 4).run((context(i, 50) for i in range(1000)), lambda: False)
    next(running)
    running.close()  # type: ignore[attr-defined]
    seen: list[str] = []
    for completion in Lanes([Echo(), Echo()], 4).run((context(i, 50) for i in range(10**6)), lambda: len(seen) > 9):
        seen.append(completion.key)
    assert len(set(seen)) == len(seen) > 9
    assert not [t for t in threading.enumerate() if t.name.startswith("lane")]


def test_contexts_are_read_a_little_ahead_only() -> None:
    read: list[int] = []

    def source() -> Iterator[Context]:
        for i in range(10_000):
            read.append(i)
            yield context(i, 30)

    running = Lanes([Echo(), Echo()], 4).run(source(), lambda: False)
    next(running)
    assert len(read) < 100
    running.close()  # type: ignore[attr-defined]
