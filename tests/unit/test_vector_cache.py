"""The vector cache: nothing computed twice, bounded, least recently used first out, any process, any damage."""

import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from syncse_local.evaluation.cache import _ROW, VectorCache, identity

ONE, OTHER = identity("aa", {"pooling": "avg"}), identity("aa", {"pooling": "cls"})
SIZE = 4 * 4 + _ROW
PLENTY = 1 << 20


class Counter:
    """An encoder of four numbers a sentence that remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, sentences: Sequence[str]) -> NDArray[Any]:
        self.calls.append(list(sentences))
        return np.array([[len(s), s.count("a"), hash(s) % 97, 1] for s in sentences], np.float32).reshape(-1, 4)


def test_what_is_known_is_not_computed_and_the_order_is_kept(tmp_path: Path) -> None:
    counter = Counter()
    first = VectorCache(tmp_path / "v.db", PLENTY).encode(ONE, ["a", "bb", "ccc"], counter)
    again = VectorCache(tmp_path / "v.db", PLENTY)
    second = again.encode(ONE, ["ccc", "new", "a"], counter)
    assert counter.calls == [["a", "bb", "ccc"], ["new"]]
    assert again.hits == 2
    assert np.array_equal(second, counter(["ccc", "new", "a"]))
    assert np.array_equal(first, counter(["a", "bb", "ccc"]))


def test_another_encoder_or_setting_is_another_key(tmp_path: Path) -> None:
    counter = Counter()
    cache = VectorCache(tmp_path / "v.db", PLENTY)
    cache.encode(ONE, ["a"], counter)
    cache.encode(OTHER, ["a"], counter)
    assert counter.calls == [["a"], ["a"]]
    keys = {identity(h, {"pooling": p, "max_length": n}) for h in "ab" for p in ("avg", "cls") for n in (8, 9)}
    assert len(keys) == 8
    assert identity("a", {"x": 1, "y": 2}) == identity("a", {"y": 2, "x": 1})


def held(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT count(*) FROM vector").fetchone()[0])


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    counter = Counter()
    cache = VectorCache(tmp_path / "v.db", 3 * SIZE)
    for sentence in ("a", "b", "c", "a", "d"):
        cache.encode(ONE, [sentence], counter)
    assert held(cache.path) == 3
    counter.calls.clear()
    cache.encode(ONE, ["a", "c", "d"], counter)
    assert counter.calls == []
    cache.encode(ONE, ["b"], counter)
    assert counter.calls == [["b"]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.lists(st.lists(st.text(max_size=3), unique=True, max_size=12), max_size=6),
    rows=st.integers(0, 8),
)
def test_the_bound_holds_and_vectors_are_right_whatever_is_asked(
    calls: list[list[str]], rows: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cache") / "v.db"
    for sentences in calls:
        counter = Counter()
        found = VectorCache(path, rows * SIZE).encode(ONE, sentences, counter)
        assert np.array_equal(found, Counter()(sentences))
        assert held(path) <= rows
        assert len(counter.calls) <= 1 or not sentences


@pytest.mark.parametrize("damage", [b"no database at all", b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_damaged_file_is_begun_anew_and_said(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    path.write_bytes(damage)
    cache = VectorCache(path, PLENTY)
    assert np.array_equal(cache.encode(ONE, ["a"], Counter()), Counter()(["a"]))
    assert str(path) in cache.problem
    counter = Counter()
    VectorCache(path, PLENTY).encode(ONE, ["a"], counter)
    assert counter.calls == []


def test_a_place_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = VectorCache(tmp_path / "file" / "v.db", PLENTY)
    assert len(cache.encode(ONE, ["a"], Counter())) == 1
    assert cache.problem


def test_broken_vectors_are_handed_on_and_not_kept(tmp_path: Path) -> None:
    def broken(sentences: Sequence[str]) -> NDArray[Any]:
        vectors = Counter()(sentences)
        vectors[0, 1] = np.nan
        return vectors

    cache = VectorCache(tmp_path / "v.db", PLENTY)
    assert np.isnan(cache.encode(ONE, ["a", "b"], broken)[0, 1])
    assert held(cache.path) == 1


def test_no_sentence_is_stored(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "v.db", PLENTY)
    cache.encode(ONE, ["a very private sentence"], Counter())
    assert all(b"private" not in file.read_bytes() for file in tmp_path.iterdir())


CHILD = """
import sys, numpy as np
from pathlib import Path
from syncse_local.evaluation.cache import VectorCache, identity
cache = VectorCache(Path(sys.argv[1]), 400 * 176)
for turn in range(30):
    asked = [f"{(turn * 7 + n) % 600}" for n in range(50)]
    found = cache.encode(identity("aa", {}), asked, lambda s: np.array([[float(x), 0, 0, 1] for x in s], np.float32))
    assert found[:, 0].tolist() == [float(x) for x in asked]
assert not cache.problem, cache.problem
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "v.db"
    children = [subprocess.Popen([sys.executable, "-c", CHILD, str(path)]) for _ in range(2)]
    assert [child.wait(60) for child in children] == [0, 0]
    assert 0 < held(path) <= 400
