"""What every backend keeps, asked of its real engine: each row once, limits, cancel, refusal, closing twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from syncse_local import paths
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion, Context, Message, Row, Sampling
from syncse_local.registry import BACKENDS, load

PROMPTS = ("Paraphrase the sentence.", "Say the opposite.", "Shorten the sentence.")
SENTENCES = (
    "A man is riding a horse.",
    "Two dogs are playing in the park.",
    "Café tables stood empty.",
    "雨が降った。",
)


def _models() -> list[str]:
    return ["starter", "tinystories-656k/tinystories-656k-f16.gguf", "babyllama105/babyllama105-f16.gguf"]


@pytest.fixture(params=_models(), scope="module")
def model(request: pytest.FixtureRequest) -> Path:
    if request.param == "starter":
        return paths.starter_llm()
    found: Path = request.getfixturevalue("models_dir") / request.param
    return found


@pytest.fixture(params=sorted(BACKENDS), scope="module")
def backend(request: pytest.FixtureRequest, model: Path) -> Iterator[object]:
    made = load(BACKENDS, request.param)(model, threads=1)
    yield made
    made.close()


def _contexts(rows: int, **sampling: object) -> list[Context]:
    settings = Sampling(**{"max_tokens": 12, "temperature": 0.8, **sampling})  # type: ignore[arg-type]
    contexts = []
    for i, prompt in enumerate(PROMPTS):
        made = [Row(f"{i}-{j}", SENTENCES[j % len(SENTENCES)], 100 * i + j, settings) for j in range(rows)]
        contexts.append(Context(f"c{i}", (Message("system", prompt),), made))
    return contexts


def _run(backend: object, contexts: list[Context]) -> dict[str, Completion]:
    found = list(backend.generate(contexts, lambda: False))  # type: ignore[attr-defined]
    assert len({done.key for done in found}) == len(found)
    return {done.key: done for done in found}


def test_every_row_is_answered_once(backend: object) -> None:
    found = _run(backend, _contexts(50))
    assert set(found) == {f"{i}-{j}" for i in range(3) for j in range(50)}
    assert {done.finish for done in found.values()} <= {"stop", "length"}
    assert all(done.output_tokens <= 12 and done.prompt_tokens > 0 for done in found.values())


def test_the_same_rows_alone_give_the_same_texts(backend: object) -> None:
    first, second = _run(backend, _contexts(4)), _run(backend, _contexts(4))
    assert {key: done.text for key, done in first.items()} == {key: done.text for key, done in second.items()}


def test_seeds_matter(backend: object) -> None:
    settings = Sampling(max_tokens=12, temperature=1.5)
    rows = [Row(str(seed), SENTENCES[0], seed, settings) for seed in range(12)]
    found = _run(backend, [Context("c", (Message("system", PROMPTS[0]),), rows)])
    assert len({done.text for done in found.values()}) > 1


def test_a_stop_string_ends_the_text_before_it(backend: object) -> None:
    found = _run(backend, _contexts(6, stop=("e",), max_tokens=40))
    assert not any("e" in done.text for done in found.values())


def test_cancelling_ends_soon_and_yields_nothing_twice(backend: object) -> None:
    seen: list[str] = []
    for done in backend.generate(_contexts(60, max_tokens=40), lambda: len(seen) >= 5):  # type: ignore[attr-defined]
        seen.append(done.key)
    assert 5 <= len(seen) < 180
    assert len(set(seen)) == len(seen)
    rest = _run(backend, _contexts(2))
    assert len(rest) == 6


def test_a_prompt_that_does_not_fit_is_refused_and_the_others_go_on(backend: object) -> None:
    (context, *_) = _contexts(3)
    long = Row("long", "word " * 40_000, 1, Sampling(max_tokens=8))
    found = _run(backend, [Context("c", context.prefix, [*context.rows, long])])
    assert found["long"].finish == "refused"
    assert found["long"].error
    assert all(found[row.key].finish in ("stop", "length") for row in context.rows)


def test_nothing_to_do_is_done_at_once(backend: object) -> None:
    assert _run(backend, []) == {}
    assert _run(backend, [Context("c", (Message("system", PROMPTS[0]),), [])]) == {}


def test_what_was_chosen_is_plain_data(backend: object) -> None:
    import json

    assert json.loads(json.dumps(backend.settings()))  # type: ignore[attr-defined]
    assert len(backend.info.sha256) == 64  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_closing_twice_does_no_harm(name: str) -> None:
    made = load(BACKENDS, name)(paths.starter_llm(), threads=1)
    made.close()
    made.close()


@pytest.mark.parametrize("name", sorted(BACKENDS))
def test_an_unknown_option_is_a_usage_error(name: str) -> None:
    with pytest.raises(SyncseError) as caught:
        load(BACKENDS, name)(paths.starter_llm(), thraeds=1)
    assert caught.value.code == ExitCode.USAGE


def test_an_unknown_backend_is_named_with_the_nearest() -> None:
    with pytest.raises(SyncseError) as caught:
        load(BACKENDS, "lamacpp")
    assert "llamacpp" in caught.value.hint
