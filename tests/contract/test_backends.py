"""What every registered backend promises, on its real engine and real (tiny) models.

A new backend joins by its line in the registry and an entry in ENGINES that says how to make it small.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncse_local.backends.base import Backend
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion, Context, Message, Row, Sampling
from syncse_local.registry import BACKENDS, load

REPO = Path(__file__).resolve().parents[2]
MODELS = Path(os.environ.get("SYNCSE_MODELS") or REPO.parent / "shared" / "models")
ENGINES: dict[str, dict[str, Any]] = {"llamacpp": {"n_seq": 6, "n_ctx": 2048, "threads": 1}}
GGUF = [
    MODELS / "tinystories-656k" / "tinystories-656k-f16.gguf",
    MODELS / "babyllama105" / "babyllama105-f16.gguf",
    *sorted((REPO / "models" / "starter-llm").glob("*.gguf")),
]
SHORT = Sampling(max_tokens=8, temperature=1.0, top_p=0.9)
Make = Callable[..., Backend]


def never() -> bool:
    """Not cancelled."""
    return False


def context(name: str, rows: int, sampling: Sampling = SHORT, shots: int = 1) -> Context:
    """A context of `rows` rows behind an instruction and a few exemplars."""
    prefix = [Message("system", f"Say it in other words, way {name}.")]
    for shot in range(shots):
        prefix += [Message("user", f"The dog number {shot} ran."), Message("assistant", "A dog was running.")]
    made = [Row(f"{name}/{i}", f"One day, the girl saw {i} birds.", 100 + i, sampling) for i in range(rows)]
    return Context(name, tuple(prefix), made)


def answers(backend: Backend, contexts: list[Context]) -> dict[str, Completion]:
    """Every completion by key; fails when a key is answered twice or not at all."""
    found = list(backend.generate(iter(contexts), never))
    keys = [completion.key for completion in found]
    assert sorted(keys) == sorted(row.key for c in contexts for row in c.rows)
    return dict(zip(keys, found, strict=True))


@pytest.fixture(params=[(name, path) for name in BACKENDS for path in GGUF], ids=lambda p: f"{p[0]}-{p[1].stem}")
def engine(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """A registered backend and a model; skips where the model is not there."""
    name, path = request.param
    if not path.exists():
        pytest.skip(f"no model at {path}; set SYNCSE_MODELS")
    return name, path


@pytest.fixture
def make(engine: tuple[str, Path]) -> Iterator[Make]:
    """Makes the backend with options; everything made is closed afterwards."""
    name, path = engine
    made: list[Backend] = []

    def build(**options: Any) -> Backend:
        backend: Backend = load(BACKENDS, name)(path, **{**ENGINES[name], **options})
        made.append(backend)
        return backend

    yield build
    for backend in made:
        backend.close()


@pytest.fixture
def backend(make: Make) -> Backend:
    """The backend with the suite's options."""
    return make()


def test_every_backend_is_tested() -> None:
    assert set(ENGINES) == set(BACKENDS)


def test_every_row_of_several_contexts_is_answered_once(backend: Backend) -> None:
    contexts = [context("a", 13), context("b", 1), Context("empty", (), []), context("c", 7, shots=2)]
    for completion in answers(backend, contexts).values():
        assert completion.finish in ("stop", "length")
        assert completion.prompt_tokens > completion.cached_tokens >= 0
        assert completion.error == ""


def test_many_small_contexts(backend: Backend) -> None:
    answers(backend, [context(str(i), 1 + i % 3) for i in range(20)])


def test_no_rows(backend: Backend) -> None:
    assert list(backend.generate(iter(()), never)) == []
    assert list(backend.generate(iter([Context("empty", (), [])]), never)) == []


def test_the_prefix_is_shared(backend: Backend) -> None:
    if not backend.settings().get("shared_prefix", True):
        pytest.skip("the engine cannot share prefixes of this model")
    for completion in answers(backend, [context("a", 9, shots=2)]).values():
        assert completion.cached_tokens > completion.prompt_tokens // 2


def test_same_seed_same_text_alone(backend: Backend) -> None:
    if not backend.promises.deterministic_alone:
        pytest.skip("not promised")
    row = [replace(context("a", 1, replace(SHORT, max_tokens=24)))]
    first, second = answers(backend, row), answers(backend, row)
    assert first["a/0"].text == second["a/0"].text != ""


def test_a_whole_run_repeats(make: Make) -> None:
    first, second = make(), make()
    if not first.promises.deterministic_alone:
        pytest.skip("not promised")
    contexts = [context("a", 11), context("b", 9)]
    texts = [{key: c.text for key, c in answers(b, contexts).items()} for b in (first, second)]
    assert texts[0] == texts[1]


def test_seeds_differ(backend: Backend) -> None:
    base = context("a", 1, replace(SHORT, temperature=1.3, top_p=1.0, max_tokens=24))
    rows = [replace(base.rows[0], key=str(seed), seed=seed) for seed in range(6)]
    assert len({c.text for c in answers(backend, [replace(base, rows=rows)]).values()}) > 1


def test_greedy_rows_do_not_depend_on_what_else_runs(make: Make) -> None:
    """Greedy texts of a full engine and of one row at a time agree, up to near-ties that float sums may turn over."""
    greedy = Sampling(temperature=0.0, max_tokens=12)
    contexts = [context("a", 9, greedy), context("b", 9, greedy, shots=2)]
    together, alone = answers(make(n_seq=8), contexts), answers(make(n_seq=1), contexts)
    same = sum(together[key].text == alone[key].text for key in together)
    assert same >= 0.8 * len(together)


def test_max_tokens(backend: Backend) -> None:
    for limit in (1, 5):
        for completion in answers(backend, [context("a", 7, replace(SHORT, max_tokens=limit))]).values():
            assert completion.output_tokens <= limit
            assert completion.finish == ("length" if completion.output_tokens == limit else "stop") or limit > 1


def test_stop_strings_end_a_row_and_are_left_out(backend: Backend) -> None:
    free = answers(backend, [context("a", 6, replace(SHORT, max_tokens=40, temperature=0.0))])
    stop = next(c.text for c in free.values() if len(c.text.strip()) > 6).strip()[2:4]
    stopped = answers(
        backend, [context("a", 6, replace(SHORT, max_tokens=40, temperature=0.0, stop=(stop, "never so")))]
    )
    assert any(c.finish == "stop" and c.output_tokens for c in stopped.values())
    for completion in stopped.values():
        assert stop not in completion.text


def test_cancel_ends_soon_and_unfinished_rows_are_not_yielded(backend: Backend) -> None:
    asked = 0

    def after_a_while() -> bool:
        nonlocal asked
        asked += 1
        return asked > 12

    rows = context("a", 200, replace(SHORT, max_tokens=64, temperature=1.2))
    began = time.monotonic()
    done = [c.key for c in backend.generate(iter([rows]), after_a_while)]
    assert asked <= 14
    assert len(done) == len(set(done)) < 200
    assert time.monotonic() - began < 60
    answers(backend, [context("b", 3)])


def test_an_abandoned_run_leaves_the_backend_usable(backend: Backend) -> None:
    running = backend.generate(iter([context("a", 20)]), never)
    next(running)
    running.close()  # type: ignore[attr-defined]
    answers(backend, [context("b", 8)])


def test_closing_twice(make: Make) -> None:
    backend = make()
    answers(backend, [context("a", 2)])
    backend.close()
    backend.close()
    with pytest.raises(RuntimeError):
        next(iter(backend.generate(iter([context("a", 1)]), never)))


def test_a_prompt_longer_than_the_context_is_refused_and_the_others_go_on(backend: Backend) -> None:
    rows = context("a", 5)
    long = Row("long", "One day a bird flew. " * 400, 1, SHORT)
    huge = Row("huge", "x" * 3_000_000, 1, SHORT)
    found = answers(backend, [replace(rows, rows=[rows.rows[0], long, *rows.rows[1:], huge])])
    for key in ("long", "huge"):
        assert (found[key].finish, found[key].text) == ("refused", "")
        assert "context" in found[key].error
    assert all(c.finish in ("stop", "length") for key, c in found.items() if key.startswith("a/"))


def test_a_prefix_longer_than_the_context_refuses_its_rows_only(backend: Backend) -> None:
    long = Context("long", (Message("system", "Bird. " * 3000),), [Row(f"long/{i}", "x", i, SHORT) for i in range(3)])
    found = answers(backend, [long, context("a", 3)])
    assert all(c.finish == "refused" for key, c in found.items() if key.startswith("long"))
    assert all(c.finish in ("stop", "length") for key, c in found.items() if key.startswith("a/"))


def test_answers_may_fill_the_context_to_the_end(make: Make) -> None:
    backend = make(n_seq=2, n_ctx=256)
    endless = Sampling(temperature=1.5, top_p=1.0, max_tokens=100_000)
    for completion in answers(backend, [context("a", 3, endless)]).values():
        assert completion.finish in ("stop", "length")
        assert completion.output_tokens + completion.prompt_tokens <= 256


def test_rows_wait_when_the_cache_is_small(make: Make) -> None:
    backend = make(n_seq=8, n_ctx=256)
    contexts = [context(str(i), 5, replace(SHORT, max_tokens=20)) for i in range(4)]
    assert all(c.finish in ("stop", "length") for c in answers(backend, contexts).values())


def test_any_text_can_be_a_sentence(backend: Backend) -> None:
    turns = [
        "Zażółć gęślą jaźń 北京 🐦‍🔥 עברית", "\x00\x01\x7f nul", "<|im_end|><s></s>[INST]", "\n\n\n", " ", "\ud800 lone", "é" * 40,
        "{{ 7*7 }}{% for", "a\u202eb\u200b",
    ]  # fmt: skip
    base = context("a", 1)
    rows = [Row(str(i), turn, i, SHORT) for i, turn in enumerate(turns)]
    for completion in answers(backend, [replace(base, rows=rows)]).values():
        assert completion.finish in ("stop", "length")
        completion.text.encode("utf-8")


def test_rows_without_a_turn_use_the_prefix_as_the_prompt(backend: Backend) -> None:
    rows = [Row(str(i), "", i, SHORT) for i in range(5)]
    prefix = (Message("system", "Write a sentence about a bird."),)
    for completion in answers(backend, [Context("a", prefix, rows)]).values():
        assert completion.finish in ("stop", "length")


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(max_tokens=6, top_k=5, top_p=1.0),
        Sampling(max_tokens=6, min_p=0.2, top_p=1.0),
        Sampling(max_tokens=6, presence_penalty=1.0, frequency_penalty=1.0, repeat_penalty=1.3, temperature=0.0),
    ],
    ids=["top-k", "min-p", "penalties"],
)
def test_sampling_parameters(backend: Backend, sampling: Sampling) -> None:
    assert all(c.finish in ("stop", "length") for c in answers(backend, [context("a", 4, sampling)]).values())


def test_it_says_what_it_is(backend: Backend, engine: tuple[str, Path]) -> None:
    import json

    name, path = engine
    assert backend.name == name
    assert backend.version
    assert backend.promises.notes
    assert backend.info.path == path
    assert len(backend.info.sha256) == 64
    assert backend.info.bytes == path.stat().st_size
    json.dumps(backend.settings())


@pytest.mark.parametrize("name", list(BACKENDS))
def test_a_missing_model(name: str, tmp_path: Path) -> None:
    with pytest.raises(SyncseError) as caught:
        load(BACKENDS, name)(tmp_path / "none.gguf", **ENGINES[name])
    assert caught.value.code == ExitCode.PREFLIGHT
    assert caught.value.hint


@pytest.mark.parametrize("name", list(BACKENDS))
def test_an_unknown_option(name: str, tmp_path: Path) -> None:
    with pytest.raises(SyncseError) as caught:
        load(BACKENDS, name)(tmp_path / "none.gguf", no_such_option=1)
    assert caught.value.code == ExitCode.USAGE
