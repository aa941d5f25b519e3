"""Attention of our own: held against 64 bits on every width of vectors, on several threads, in graphs that are used again."""

import ctypes
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.backends.llamacpp.attention import library as attention
from syncse_local.backends.llamacpp.attention.compile import build, built, compiled, compiler, is_ours
from tests.unit.attention_graph import Case, Floats, Graph, Sizes, prefixes_and_rows, random_case

WIDTHS = {"native": "", "avx2": "-march=x86-64-v3", "plain": "-march=x86-64"}
CLOSE = 2e-5
"""Of the largest number: 32-bit sums of some hundred products."""


@pytest.fixture(scope="module", params=WIDTHS)
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The library as built for this machine, and for older ones of its kind, which run here too."""
    if request.param == "native":
        assert build() == ""
        return attention.load(built())
    if platform.machine() != "x86_64":
        pytest.skip("builds for other x86 processors run on x86 only")
    path = tmp_path_factory.mktemp("attention") / f"{request.param}.so"
    assert compiled(path, WIDTHS[request.param], "-Wall", "-Wextra", "-Werror", "-Wno-psabi") == ""
    return attention.load(path)


class Watched:
    """A graph computed as llama.cpp's scheduler does: asked about first, told about after where that was wanted."""

    def __init__(self, library: Any, graph: Graph, threads: int = 1) -> None:
        self.library, self.graph, self.threads = library, graph, threads
        self.doubt = attention.Doubt(0)
        self.state = library.attention_new(threads, ctypes.addressof(self.doubt))

    def __call__(self, case: Case) -> Floats:
        self.graph.fill(case)
        wanted = self.library.attention_watch(self.graph.node, True, self.state)
        self.graph.compute(self.threads)
        if wanted:
            self.library.attention_watch(self.graph.node, False, self.state)
        return self.graph.result().copy()

    @property
    def distrusted(self) -> bool:
        """Whether the two ways differed."""
        return bool(self.doubt.value)

    def close(self) -> None:
        """Free both."""
        self.library.attention_free(self.state)
        self.graph.close()


@pytest.fixture
def watched(library: Any) -> Iterator[Any]:
    """Makes watched graphs and frees them."""
    made: list[Watched] = []

    def make(sizes: Sizes, scale: float = 0.125, threads: int = 1, **options: Any) -> Watched:
        made.append(Watched(library, Graph(sizes, scale, **options), threads))
        return made[-1]

    yield make
    for one in made:
        one.close()


def apart(made: Floats, case: Case) -> float:
    """The largest difference to 64 bits, as a share of the largest number."""
    exact = case.exact()
    return float(np.abs(made - exact).max() / np.abs(exact).max())


SIZES = st.builds(
    Sizes,
    tokens=st.sampled_from([1, 2, 5, 8, 31, 32, 33, 64, 70]),
    cells=st.sampled_from([1, 7, 64, 200, 513]),
    group=st.integers(1, 5),
    heads=st.integers(1, 4),
    size=st.sampled_from([16, 64, 80, 128, 256, 512]),
    values=st.sampled_from([16, 64, 96]),
)


@settings(max_examples=60, deadline=None)
@given(sizes=SIZES, seed=st.integers(0, 2**32 - 1), shared=st.integers(1, 4), spread=st.sampled_from([0.1, 1.0, 30.0]))
def test_it_is_exact_whatever_is_shared(library: Any, sizes: Sizes, seed: int, shared: int, spread: float) -> None:
    """Three calls over one graph, each with another mask: the first compared, the others ours alone."""
    watched = Watched(library, Graph(sizes, sizes.size**-0.5))
    try:
        for call in range(3):
            case = prefixes_and_rows(sizes, seed + call, shared, spread)
            assert apart(watched(case), case) < CLOSE * max(1.0, spread)
            assert watched.graph.operation == ("CUSTOM" if call else "FLASH_ATTN_EXT")
        assert not watched.distrusted
    finally:
        watched.close()


@pytest.mark.parametrize("kind", ["a prompt", "any cells", "one cell each", "the same cells"])
def test_masks_of_every_kind(watched: Any, kind: str) -> None:
    """Prompts, which see what came before them; tokens with nothing in common; tokens with everything."""
    sizes = Sizes(tokens=64, cells=300)
    rng = np.random.default_rng(3)
    masks = {
        "a prompt": np.tri(64, 300, 236, dtype=np.bool_),
        "any cells": rng.random((64, 300)) < rng.random(300) ** 3,
        "one cell each": np.eye(64, 300, dtype=np.bool_),
        "the same cells": np.repeat(rng.random((1, 300)) < 0.5, 64, axis=0),
    }
    masks[kind][:, 0] |= ~masks[kind].any(1)
    case = random_case(sizes, masks[kind], rng)
    graph = watched(sizes, case.scale)
    graph(case)
    assert apart(graph(case), case) < CLOSE
    assert graph.graph.operation == "CUSTOM"


def test_the_number_of_threads_changes_no_bit(watched: Any) -> None:
    sizes = Sizes(tokens=70, cells=400, heads=3)
    case = prefixes_and_rows(sizes, 1)
    one, three = watched(sizes), watched(sizes, threads=3)
    first, second = [one(case) for _ in range(2)], [three(case) for _ in range(2)]
    assert np.array_equal(first[0], first[1]), "a comparison must not change what comes out"
    assert np.array_equal(first[1], second[1])


def test_numbers_that_are_none_stay_so(watched: Any) -> None:
    """The engine tells damaged weights by them."""
    sizes = Sizes()
    case = prefixes_and_rows(sizes, 1)
    graph = watched(sizes)
    graph(case)
    case.keys[case.sees[2]] = np.nan
    made = graph(case)
    assert np.isnan(made[2]).all()
    assert not graph.distrusted


@pytest.mark.parametrize("damage", [1.5, -1.0, np.nan, np.inf])
def test_another_result_than_llama_cpps_is_not_used(watched: Any, damage: float) -> None:
    """What llama.cpp computed is changed before the comparison in one head, whose numbers are small, so that the two differ."""
    sizes = Sizes()
    case = prefixes_and_rows(sizes, 1)
    case.values[:, 0] *= 30
    graph = watched(sizes, case.scale)
    graph.graph.fill(case)
    assert graph.library.attention_watch(graph.graph.node, True, graph.state)
    graph.graph.compute(1)
    graph.graph.result()[:, -1] *= damage
    kept = graph.graph.result().copy()
    graph.library.attention_watch(graph.graph.node, False, graph.state)
    assert graph.distrusted
    assert np.array_equal(graph.graph.result(), kept, equal_nan=True)
    assert apart(graph(case), case) < 0.01
    assert graph.graph.operation == "FLASH_ATTN_EXT"


def test_a_graph_of_before_the_difference_is_llama_cpps_again(watched: Any) -> None:
    """A graph that was ours already is used again after another kind of call came out differently."""
    short, long = Sizes(tokens=8), Sizes(tokens=40)
    graph, other = watched(short), watched(long)
    case = prefixes_and_rows(short, 1)
    graph(case)
    graph(case)
    assert graph.graph.operation == "CUSTOM"
    other.graph.fill(prefixes_and_rows(long, 2))
    assert graph.library.attention_watch(other.graph.node, True, graph.state)
    other.graph.compute(1)
    other.graph.result()[:] += 1
    graph.library.attention_watch(other.graph.node, False, graph.state)
    assert graph.distrusted
    assert apart(graph(case), case) < 0.01
    assert graph.graph.operation == "FLASH_ATTN_EXT"


@pytest.mark.parametrize(
    ("sizes", "options"),
    [
        (Sizes(size=24, values=24), {}),
        (Sizes(size=576, values=576), {}),
        (Sizes(tokens=513), {}),
        (Sizes(), {"alibi": 8.0}),
    ],
)
def test_what_it_does_not_know_is_left_alone(watched: Any, sizes: Sizes, options: dict[str, Any]) -> None:
    graph = watched(sizes, **options)
    graph(prefixes_and_rows(sizes, 1))
    assert graph.library.attention_compared(graph.state) == 0
    assert graph.graph.operation == "FLASH_ATTN_EXT"


def test_a_token_that_sees_nothing_is_left_to_llama_cpp(watched: Any) -> None:
    case = prefixes_and_rows(Sizes(), 1)
    case.sees[3] = False
    graph = watched(Sizes())
    graph(case)
    assert graph.graph.operation == "FLASH_ATTN_EXT"
    assert graph.library.attention_compared(graph.state) == 0


def test_calls_are_compared_again_when_asked_for(watched: Any) -> None:
    case = prefixes_and_rows(Sizes(), 1)
    graph = watched(Sizes())
    operations = []
    for again in (False, False, True, False):
        if again:
            graph.library.attention_again(graph.state)
        graph(case)
        operations.append(graph.graph.operation)
    assert operations == ["FLASH_ATTN_EXT", "CUSTOM", "FLASH_ATTN_EXT", "CUSTOM"]


def test_another_llama_cpp_than_it_was_compiled_for_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build() == ""
    attention._library.cache_clear()
    try:
        assert not attention.why_missing()
        attention._library.cache_clear()
        monkeypatch.setenv("LLAMA_CPP_LIB_PATH", "elsewhere")
        assert "another llama.cpp" in attention.why_missing()
    finally:
        attention._library.cache_clear()


@pytest.mark.parametrize("cap", [0.0, 2.0, 50.0])
@pytest.mark.parametrize("sinks", [False, True])
def test_caps_on_scores_and_sinks(watched: Any, cap: float, sinks: bool) -> None:
    """Gemma 2 bounds its scores; gpt-oss has a logit in each head that takes weight and adds nothing."""
    sizes = Sizes(tokens=40, group=3, heads=2)
    idle = np.linspace(-2, 6, 6, dtype=np.float32) if sinks else None
    graph = watched(sizes, sizes.size**-0.5, cap=cap, sinks=idle)
    for seed in range(2):
        case = prefixes_and_rows(sizes, seed, spread=3.0)
        exact = case.exact(cap, idle)
        assert np.abs(graph(case) - exact).max() < 3 * CLOSE * np.abs(exact).max()
    assert graph.graph.operation == "CUSTOM"
    assert not graph.distrusted


@pytest.mark.parametrize("other", [Sizes(), Sizes(group=1), Sizes(size=32), Sizes(values=32)])
def test_layers_of_another_shape_have_plans_of_their_own(watched: Any, other: Sizes) -> None:
    """Beside the first layer's, of the same mask: compared once themselves, then computed here."""
    one = watched(Sizes())
    two = watched(other, other.size**-0.5, beside=one.graph)
    case, more = prefixes_and_rows(Sizes(), 1), prefixes_and_rows(other, 1)
    for call in range(3):
        one.graph.fill(case)
        two.graph.fill(more)
        asked = [one.library.attention_watch(graph.graph.node, True, one.state) for graph in (one, two)]
        for graph, wanted in zip((one, two), asked, strict=True):
            graph.graph.compute(1)
            if wanted:
                one.library.attention_watch(graph.graph.node, False, one.state)
        assert (one.graph.operation, two.graph.operation) == (("CUSTOM",) * 2 if call else ("FLASH_ATTN_EXT",) * 2)
        assert apart(one.graph.result(), case) < (CLOSE if call else 0.01)
        assert apart(two.graph.result(), more) < (CLOSE if call else 0.01)
    assert not one.distrusted


def test_full_and_windowed_layers_alternate(watched: Any) -> None:
    """Two masks in one call, as models with sliding windows have, over layers in turn; each call with other masks."""
    sizes = Sizes(tokens=8, cells=200)
    full, windowed = watched(sizes), watched(sizes)
    layers = [full, windowed, watched(sizes, beside=full.graph), watched(sizes, beside=windowed.graph)]
    for call in range(3):
        cases = [prefixes_and_rows(sizes, 10 * call + kind) for kind in (0, 1)]
        for graph, case in zip(layers, [*cases, *cases], strict=True):
            graph.graph.fill(case)
        for graph in layers:
            wanted = full.library.attention_watch(graph.graph.node, True, full.state)
            if wanted:  # llama.cpp computes up to here before it asks on
                graph.graph.compute(1)
                full.library.attention_watch(graph.graph.node, False, full.state)
        for graph, case in zip(layers, [*cases, *cases], strict=True):
            graph.graph.compute(1)
            assert apart(graph.graph.result(), case) < (CLOSE if call else 0.01)
            if call:
                assert graph.graph.operation == "CUSTOM"
    assert not full.distrusted


def test_more_kinds_of_layers_than_there_are_plans_for_are_left_to_llama_cpp(watched: Any) -> None:
    graphs = [watched(Sizes(size=size)) for size in (16, 32, 48, 64)]
    state, library = graphs[0].state, graphs[0].library
    for graph, size in zip(graphs, (16, 32, 48, 64), strict=True):
        graph.graph.fill(prefixes_and_rows(Sizes(size=size), 1))
    assert [library.attention_watch(graph.graph.node, True, state) for graph in graphs] == [True, True, True, False]
    assert (library.attention_ours(state), library.attention_theirs(state)) == (3, 1)


def test_a_compiler_that_fails_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CC", "false")
    assert compiled(tmp_path / "a.so")
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("CC", "no-such-compiler")
    assert "no-such-compiler" in compiled(tmp_path / "a.so")


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A user's cache with nothing in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    attention._library.cache_clear()
    yield tmp_path / "cache" / "syncse-local"
    attention._library.cache_clear()


def test_the_first_use_compiles_into_the_users_cache(empty_cache: Path) -> None:
    assert attention.why_missing() == ""
    (found,) = empty_cache.iterdir()
    assert found == built()
    assert is_ours(found)
    assert empty_cache.stat().st_mode & 0o777 == 0o700
    found.chmod(0o666)
    assert not is_ours(found)
    attention._library.cache_clear()
    assert "somebody else" in attention.why_missing()


def test_many_first_uses_at_once_leave_one_whole_library(empty_cache: Path) -> None:
    words = [sys.executable, "-m", attention.__name__]
    children = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {child.communicate()[0] for child in children} == {f"attention: {built()}\n"}
    assert [path.name for path in empty_cache.iterdir()] == [built().name]
    attention.load(built())


def test_without_a_compiler_it_says_so(empty_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither is one of the working directory taken for the compiler."""
    (tmp_path / "cc").write_text("#!/bin/sh\ntouch ran\n", encoding="ascii")
    (tmp_path / "cc").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", f"{os.pathsep}.{os.pathsep}{tmp_path / 'none'}")
    assert compiler() == []
    assert attention.why_missing() == "no C compiler was found"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("cache", ["relative", ""])
def test_the_cache_is_never_in_the_working_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", cache)
    monkeypatch.chdir(tmp_path)
    assert built().is_absolute()
    assert not built().is_relative_to(tmp_path)
