"""What every registered backend keeps, asked of its real engine on real (tiny) models; of what it can do, what it declares.

A new backend joins by its line in the registry and an entry in ENGINES (engines.py) that says how to make it small.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncse_local import paths
from syncse_local.backends.base import Backend
from syncse_local.backends.spec import Abilities, BackendSpec
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion, Context, Message, Row, Sampling
from syncse_local.registry import BACKENDS, backend_spec, load_backend
from tests.contract.engines import CASES, ENGINES, Engine

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


@pytest.fixture(params=CASES, ids="-".join, scope="module")
def case(request: pytest.FixtureRequest) -> tuple[str, str]:
    """An engine and one of its models."""
    found: tuple[str, str] = request.param
    return found


@pytest.fixture(scope="module")
def model(case: tuple[str, str], request: pytest.FixtureRequest) -> Path:
    """The starter LLM, a random one as a directory, or a research model where it is."""
    if backend_spec(case[0]).model == "none":
        return Path(case[1])
    if case[1] == "starter":
        return paths.starter_llm()
    if case[1] == "random":
        made: Path = request.getfixturevalue("random_llama")
        return made
    found: Path = request.getfixturevalue("models_dir") / case[1]
    if not found.exists():
        pytest.skip(f"no model at {found}; set SYNCSE_MODELS")
    return found


@pytest.fixture(scope="module")
def engine(case: tuple[str, str]) -> Engine:
    """What the table says of the engine."""
    return ENGINES[case[0]]


@pytest.fixture(scope="module")
def spec(case: tuple[str, str]) -> BackendSpec:
    """What the engine says of itself."""
    return backend_spec(case[0])


@pytest.fixture(scope="module")
def can(spec: BackendSpec) -> Abilities:
    """What the engine declares."""
    return spec.abilities


@pytest.fixture(scope="module")
def make(case: tuple[str, str], engine: Engine, model: Path) -> Iterator[Make]:
    """Makes the backend with options; everything made is closed afterwards."""
    made: list[Backend] = []

    def build(**options: Any) -> Backend:
        made.append(engine.make(case[0], model, **options))
        return made[-1]

    yield build
    for backend in made:
        backend.close()


@pytest.fixture(scope="module")
def backend(make: Make) -> Backend:
    """One backend that the tests of a model use one after the other."""
    return make()


def test_every_backend_is_tested() -> None:
    assert set(ENGINES) == set(BACKENDS)


def _declared(ability: bool) -> None:
    if not ability:
        pytest.skip("the engine does not declare it")


def test_every_row_of_several_contexts_is_answered_once(backend: Backend) -> None:
    contexts = [context("a", 50), context("b", 1), Context("empty", (), []), context("c", 7, shots=2)]
    for completion in answers(backend, contexts).values():
        assert completion.finish in ("stop", "length")
        assert completion.prompt_tokens > completion.cached_tokens >= 0
        assert completion.output_tokens <= SHORT.max_tokens
        assert completion.error == ""


def test_many_small_contexts(backend: Backend) -> None:
    answers(backend, [context(str(i), 1 + i % 3) for i in range(20)])


def test_no_rows(backend: Backend) -> None:
    assert list(backend.generate(iter(()), never)) == []
    assert list(backend.generate(iter([Context("empty", (), [])]), never)) == []


def test_the_prefix_is_shared(backend: Backend, engine: Engine) -> None:
    if not backend.settings().get("shared_prefix", True):
        pytest.skip("the engine cannot share prefixes of this model")
    found = answers(backend, [context("shared", 9, shots=2)]).values()
    shared = [completion.cached_tokens > completion.prompt_tokens // 2 for completion in found]
    assert sum(shared) >= (9 if engine.prefix_ahead else 8)


def test_same_seed_same_text_alone(backend: Backend, can: Abilities) -> None:
    _declared(can.deterministic_alone)
    row = [context("a", 1, replace(SHORT, max_tokens=24))]
    first, second = answers(backend, row), answers(backend, row)
    assert first["a/0"].text == second["a/0"].text


def test_a_whole_run_repeats_in_the_same_and_in_a_new_backend(backend: Backend, make: Make, can: Abilities) -> None:
    _declared(can.deterministic_alone)
    contexts = [context("a", 11), context("b", 9)]
    texts = [{key: c.text for key, c in answers(b, contexts).items()} for b in (backend, backend, make())]
    assert texts[0] == texts[1] == texts[2]


def test_a_row_does_not_depend_on_what_else_runs(backend: Backend, can: Abilities) -> None:
    _declared(can.deterministic_in_batch)
    contexts = [context("a", 9), context("b", 9, shots=2)]
    together = answers(backend, contexts)
    assert all(answers(backend, [c])[row.key].text == together[row.key].text for c in contexts for row in c.rows)


def test_seeds_matter(backend: Backend, can: Abilities) -> None:
    _declared(can.seeds)
    base = context("a", 1, replace(SHORT, temperature=1.5, top_p=1.0, max_tokens=24))
    rows = [replace(base.rows[0], key=str(seed), seed=seed) for seed in range(12)]
    assert len({c.text for c in answers(backend, [replace(base, rows=rows)]).values()}) > 1


def test_greedy_rows_do_not_depend_on_what_else_runs(make: Make) -> None:
    """Texts of a full engine and of one row at a time agree, but for near-ties that float sums may turn over."""
    greedy = Sampling(temperature=0.0, max_tokens=12)
    contexts = [context("a", 9, greedy), context("b", 9, greedy, shots=2)]
    together, alone = answers(make(n_seq=8), contexts), answers(make(n_seq=1), contexts)
    same = sum(together[key].text == alone[key].text for key in together)
    assert same >= 0.8 * len(together)


@pytest.mark.parametrize("limit", [1, 5])
def test_max_tokens(backend: Backend, limit: int) -> None:
    for completion in answers(backend, [context("a", 7, replace(SHORT, max_tokens=limit))]).values():
        assert completion.output_tokens <= limit
        assert completion.finish == "stop" or completion.output_tokens == limit


def test_stop_strings_end_a_row_and_are_left_out(backend: Backend) -> None:
    lively = replace(SHORT, max_tokens=40, temperature=1.5, top_p=1.0)
    rows = context("a", 16, lively)
    free = max(answers(backend, [rows]).values(), key=lambda c: len(c.text))
    alone = replace(rows, rows=[row for row in rows.rows if row.key == free.key])
    text = answers(backend, [alone])[free.key].text
    stop = text[len(text) // 2 :][:3]
    assert len(stop) == 3
    sampling = replace(lively, stop=("never written so", stop))
    stopped = answers(backend, [replace(alone, rows=[replace(alone.rows[0], sampling=sampling)])])[free.key]
    assert (stopped.text, stopped.finish) == (text[: text.index(stop)], "stop")
    common = answers(backend, [context("b", 6, replace(lively, stop=("e",)))])
    assert not any("e" in c.text for c in common.values())


def test_cancel_ends_soon_and_unfinished_rows_are_not_yielded(backend: Backend) -> None:
    asked = 0

    def after_a_while() -> bool:
        nonlocal asked
        asked += 1
        return asked > 40

    rows = context("a", 400, replace(SHORT, max_tokens=64, temperature=1.2))
    done = [c.key for c in backend.generate(iter([rows]), after_a_while)]
    assert asked == 41
    assert len(done) == len(set(done)) < 400
    answers(backend, [context("b", 3)])


def test_cancel_after_some_answers(backend: Backend) -> None:
    seen: list[str] = []
    for done in backend.generate(iter([context("a", 120)]), lambda: len(seen) >= 5):
        seen.append(done.key)
    assert 5 <= len(seen) == len(set(seen)) < 120


def test_an_abandoned_run_leaves_the_backend_usable(backend: Backend) -> None:
    running = backend.generate(iter([context("a", 20)]), never)
    next(running)
    running.close()  # type: ignore[attr-defined]
    answers(backend, [context("b", 8)])


def test_closing_twice_and_using_it_afterwards(make: Make) -> None:
    backend = make()
    answers(backend, [context("a", 2)])
    backend.close()
    backend.close()
    with pytest.raises(RuntimeError):
        next(iter(backend.generate(iter([context("a", 1)]), never)))


def test_a_prompt_longer_than_the_context_is_refused_and_the_others_go_on(backend: Backend, can: Abilities) -> None:
    _declared(can.window)
    rows = context("a", 5)
    long = Row("long", "One day a bird flew. " * 400, 1, SHORT)
    huge = Row("huge", "x" * 3_000_000, 1, SHORT)
    found = answers(backend, [replace(rows, rows=[rows.rows[0], long, *rows.rows[1:], huge])])
    for key in ("long", "huge"):
        assert (found[key].finish, found[key].text) == ("refused", "")
        assert "context" in found[key].error
    assert all(c.finish in ("stop", "length") for key, c in found.items() if key.startswith("a/"))


def test_a_prefix_longer_than_the_context_refuses_its_rows_only(backend: Backend, can: Abilities) -> None:
    _declared(can.window)
    long = Context("long", (Message("system", "Bird. " * 3000),), [Row(f"long/{i}", "x", i, SHORT) for i in range(3)])
    found = answers(backend, [long, context("a", 3)])
    assert all(c.finish == "refused" for key, c in found.items() if key.startswith("long"))
    assert all(c.finish in ("stop", "length") for key, c in found.items() if key.startswith("a/"))


def test_answers_may_fill_the_context_to_the_end(make: Make, engine: Engine, can: Abilities) -> None:
    _declared(can.window)
    backend, window = make(n_seq=2, n_ctx=256), 256 if engine.names.get("n_ctx", "n_ctx") else 512
    endless = Sampling(temperature=1.5, top_p=1.0, max_tokens=100_000)
    for completion in answers(backend, [context("a", 3, endless)]).values():
        assert completion.finish in ("stop", "length")
        assert completion.output_tokens + completion.prompt_tokens <= window


def test_rows_wait_when_the_cache_is_small(make: Make) -> None:
    backend = make(n_seq=8, n_ctx=256)
    contexts = [context(str(i), 5, replace(SHORT, max_tokens=20)) for i in range(4)]
    assert all(c.finish in ("stop", "length") for c in answers(backend, contexts).values())


def test_any_text_can_be_a_sentence(backend: Backend) -> None:
    turns = [
        "Zażółć gęślą jaźń 北京 🐦‍🔥 עברית", "\x00\x01\x7f nul", "<|im_end|><s></s>[INST]", "\n\n\n", " ", "\ud800 lone",
        "é" * 40, "{{ 7*7 }}{% for", "a\u202eb\u200b", "雨が降った。",
    ]  # fmt: skip
    rows = [Row(str(i), turn, i, SHORT) for i, turn in enumerate(turns)]
    for completion in answers(backend, [replace(context("a", 1), rows=rows)]).values():
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


def test_temperature_counts(backend: Backend, can: Abilities) -> None:
    """Without temperature seeds do not matter, but for a near-tie that float sums may turn over."""
    _declared(can.sampling)
    base = context("a", 1, replace(SHORT, temperature=0.0, max_tokens=24))
    rows = [replace(base.rows[0], key=str(seed), seed=seed) for seed in range(8)]
    assert len({c.text for c in answers(backend, [replace(base, rows=rows)]).values()}) <= 2


def test_penalties_count(backend: Backend, can: Abilities) -> None:
    """Rewarded (below 1), repetition fills an answer with few words; penalised, with many."""
    _declared(can.penalties)
    free = Sampling(max_tokens=40, temperature=1.2, top_p=1.0)
    ways = (replace(free, repeat_penalty=0.1), replace(free, repeat_penalty=1.8, presence_penalty=2.0))
    few, many = (" ".join(c.text for c in answers(backend, [context("a", 8, way)]).values()).split() for way in ways)
    assert len(set(few)) / (len(few) or 1) < len(set(many)) / len(many)


def test_a_grammar_is_kept_by_the_rows_that_ask_for_it(backend: Backend, can: Abilities) -> None:
    free = replace(SHORT, temperature=1.2, max_tokens=60)
    ruled = replace(free, grammar='root ::= "Yes, " ("cats" | "dogs") " sleep."\n')
    base = context("a", 1)
    rows = [replace(base.rows[0], key=str(i), seed=i, sampling=free if i % 3 else ruled) for i in range(12)]
    if not can.grammar:
        with pytest.raises(SyncseError, match="grammar") as caught:
            answers(backend, [replace(base, rows=rows)])
        assert caught.value.code == ExitCode.USAGE
        return
    found = answers(backend, [replace(base, rows=rows)])
    assert {found[str(i)].text for i in range(0, 12, 3)} <= {"Yes, cats sleep.", "Yes, dogs sleep."}
    assert not any(c.text.startswith("Yes, ") for key, c in found.items() if int(key) % 3)
    wrong = replace(base, rows=[replace(base.rows[0], sampling=replace(free, grammar="root ::= ((("))])
    assert [c.finish for c in answers(backend, [wrong, context("b", 3)]).values()].count("refused") == 1


def test_a_thousand_rows_with_bad_ones_among_them(backend: Backend, spec: BackendSpec, can: Abilities) -> None:
    """Each row is answered once: one in twenty is too long or asks for a grammar with mistakes, and is typed so."""
    if spec.model == "served":
        pytest.skip("a server's faults are injected by a server of the tests' own: test_openai_faults.py")
    _declared(can.window)
    short = replace(SHORT, max_tokens=3)
    bad: dict[int, dict[str, Any]] = {
        0: {"turn": "One day a bird flew. " * 400},
        20: {"sampling": replace(short, grammar="root ::= (((")} if can.grammar else {"turn": "One " * 3000},
        40: {"turn": "x" * 3_000_000},
    }
    contexts = []
    for number in range(10):
        made = context(str(number), 100, short)
        contexts.append(replace(made, rows=[replace(row, **bad.get(i % 60, {})) for i, row in enumerate(made.rows)]))
    found = answers(backend, contexts)
    assert len(found) == 1000
    for key, completion in found.items():
        place = int(key.split("/")[1]) % 60
        wanted = {"refused"} if place in bad else {"stop", "length"}
        assert completion.finish in wanted
        assert bool(completion.error) == (place in bad)
    assert sum(c.finish == "refused" for c in found.values()) == 50


def test_it_says_what_it_is(backend: Backend, model: Path, spec: BackendSpec) -> None:
    assert backend.name == spec.name
    assert backend.version
    assert spec.summary
    assert spec.abilities.notes
    assert backend.info.path == model
    assert len(backend.info.sha256) == 64
    files = model.glob("*.safetensors") if model.is_dir() else [model]
    assert backend.info.bytes == (sum(file.stat().st_size for file in files) if spec.model == "files" else 0)
    assert json.loads(json.dumps(backend.settings())) == backend.settings()


@pytest.mark.parametrize("name", sorted(n for n in BACKENDS if backend_spec(n).model == "files"))
def test_a_missing_model(name: str, tmp_path: Path) -> None:
    with pytest.raises(SyncseError) as caught:
        load_backend(name)(tmp_path / "none.gguf", **ENGINES[name].options(tmp_path))
    assert caught.value.code == ExitCode.PREFLIGHT
    assert caught.value.hint


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_an_unknown_option_is_a_usage_error(name: str) -> None:
    with pytest.raises(SyncseError) as caught:
        load_backend(name)(paths.starter_llm(), thraeds=1)
    assert caught.value.code == ExitCode.USAGE
