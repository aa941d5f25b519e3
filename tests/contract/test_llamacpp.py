"""What is particular to the llama.cpp engine: its reference, models it cannot share, damaged files, a full cache."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import llama_cpp as native
import pytest

from syncse_local.backends.llamacpp.attention import library
from syncse_local.backends.llamacpp.choose import has_gpu
from syncse_local.backends.llamacpp.engine import LlamaCppBackend
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.gguf_header import read_header
from syncse_local.records import Completion, Context, Message, Row, Sampling
from tests.contract import copied_gguf, odd_models

GREEDY = Sampling(temperature=0.0, max_tokens=10)
OURS = "llama.cpp" if has_gpu() else "shared prefixes"  # who attends where nothing else is asked for
LIVELY = Sampling(temperature=1.5, top_p=1.0, max_tokens=20)


@pytest.fixture
def story(models_dir: Path) -> Path:
    """A tiny trained model."""
    path = models_dir / "tinystories-656k" / "tinystories-656k-f16.gguf"
    if not path.exists():
        pytest.skip(f"no model at {path}; set SYNCSE_MODELS")
    return path


def contexts(number: int, rows: int, sampling: Sampling) -> Iterator[Context]:
    """Contexts that each share an instruction."""
    for c in range(number):
        made = [Row(f"{c}-{r}", f"Once there were {r} cats and {c} dogs.", r, sampling) for r in range(rows)]
        yield Context(str(c), (Message("system", f"Tell a story about number {c}."),), made)


def run(backend: LlamaCppBackend, work: Iterator[Context]) -> dict[str, Completion]:
    """Completions by key; closes the backend."""
    found = list(backend.generate(work, lambda: False))
    backend.close()
    assert len({c.key for c in found}) == len(found)
    return {c.key: c for c in found}


@pytest.mark.parametrize("attention", ["auto", "llama.cpp"])
def test_greedy_texts_are_those_of_the_library(story: Path, attention: str) -> None:
    """The same prompts through llama_cpp.Llama, which shares, batches and samples nothing of ours.

    Two of 80 may differ: so many did between the library and itself with flash attention or 32-bit cells, where two tokens are near a tie.
    """
    from llama_cpp import Llama

    backend = LlamaCppBackend(story, n_seq=5, threads=1, attention=attention)
    assert backend.settings()["attention"] == (OURS if attention == "auto" else "llama.cpp")
    profile = backend._profile
    prompts = {
        row.key: profile.render([*context.prefix, Message("user", row.turn)])
        for context in contexts(2, 40, GREEDY)
        for row in context.rows
    }
    ours = run(backend, contexts(2, 40, GREEDY))
    assert backend.settings()["attention"] == (OURS if attention == "auto" else "llama.cpp")
    llama = Llama(str(story), n_ctx=512, n_threads=1, verbose=False)
    theirs = {
        key: llama.create_completion(prompt, temperature=0.0, max_tokens=10, stop=["\n"])["choices"][0]["text"]
        for key, prompt in prompts.items()
    }
    llama.close()
    assert ours.keys() == theirs.keys()
    assert sum(ours[key].text != text for key, text in theirs.items()) <= 2


@pytest.mark.parametrize(
    ("options", "way"),
    [
        ({}, OURS),
        ({"attention": "llama.cpp"}, "llama.cpp"),
        ({"kv_type": "f32"}, "llama.cpp"),
        ({"flash_attn": "off"}, "llama.cpp"),
    ],
)
def test_who_attends_is_chosen_and_shown(story: Path, options: dict[str, Any], way: str) -> None:
    backend = LlamaCppBackend(story, n_seq=4, threads=1, **options)
    assert len(run(backend, contexts(2, 4, GREEDY))) == 8
    assert backend.settings()["attention"] == way


@pytest.mark.skipif(has_gpu(), reason="a GPU attends")
def test_without_the_library_llama_cpp_attends(story: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation without a C compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    library._library.cache_clear()
    try:
        backend = LlamaCppBackend(story, n_seq=4, threads=1)
        assert len(run(backend, contexts(2, 4, GREEDY))) == 8
        shown = str(backend.settings()["attention"])
        assert shown.startswith("llama.cpp (ours is not there: ")
        assert "no-such-compiler" in shown
    finally:
        library._library.cache_clear()


@pytest.mark.skipif(has_gpu(), reason="a GPU attends")
def test_an_attention_that_differs_is_said(story: Path) -> None:
    """The run goes on with llama.cpp's, and its record says so."""
    backend = LlamaCppBackend(story, n_seq=4, threads=1)
    assert backend.settings()["attention"] == "shared prefixes"
    backend._doubt.value = 1
    assert len(run(backend, contexts(2, 4, GREEDY))) == 8
    assert backend.settings()["attention"] == "llama.cpp"
    assert any("came to another result" in warning for warning in backend.warnings)


def test_damaged_weights_are_refused(story: Path, tmp_path: Path) -> None:
    data = bytearray(story.read_bytes())
    start = read_header(story).data_start
    data[start : start + 4096] = b"\xff" * 4096
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data)
    with pytest.raises(SyncseError) as caught:
        LlamaCppBackend(path, threads=1)
    assert caught.value.code == ExitCode.PREFLIGHT


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.999])
def test_truncated_files_are_refused(story: Path, tmp_path: Path, keep: float) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(story.read_bytes()[: int(story.stat().st_size * keep)])
    with pytest.raises(SyncseError) as caught:
        LlamaCppBackend(path, threads=1)
    assert caught.value.code == ExitCode.PREFLIGHT


def test_a_text_file_and_an_unknown_architecture_are_refused(story: Path, tmp_path: Path) -> None:
    path = tmp_path / "notes.gguf"
    path.write_text("These are my notes.\n" * 100)
    with pytest.raises(SyncseError, match="Not a GGUF file"):
        LlamaCppBackend(path)
    path.write_bytes(story.read_bytes().replace(b"llama", b"lxama"))
    with pytest.raises(SyncseError, match="cannot be loaded") as caught:
        LlamaCppBackend(path)
    assert "lxama" in caught.value.detail


def test_a_vocabulary_without_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.gguf"
    odd_models.vocabulary_only(path)
    with pytest.raises(SyncseError, match="Vocabulary-only") as caught:
        LlamaCppBackend(path, threads=1)
    assert caught.value.code == ExitCode.PREFLIGHT


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_failing_engine_ends_the_run_and_what_is_missing_is_made_later(
    story: Path, monkeypatch: pytest.MonkeyPatch, lanes: int
) -> None:
    """llama.cpp fails at its 60th call, as on a GPU that is gone: a clear error, no row twice, the rest by a second run."""
    backend = LlamaCppBackend(story, n_seq=8, threads=1, lanes=lanes)
    calls = count(1)
    real = native.llama_decode
    monkeypatch.setattr(native, "llama_decode", lambda *given: -3 if next(calls) >= 60 else real(*given))
    seen: list[str] = []
    with pytest.raises(SyncseError, match="engine failed") as caught:
        seen.extend(c.key for c in backend.generate(contexts(5, 40, LIVELY), lambda: False))
    assert "returned -3" in caught.value.detail
    monkeypatch.undo()
    assert 0 < len(seen) == len(set(seen)) < 200
    left = [replace(c, rows=[row for row in c.rows if row.key not in seen]) for c in contexts(5, 40, LIVELY)]
    rest = run(backend, iter(left))
    assert len(seen) + len(rest) == 200
    assert {c.finish for c in rest.values()} <= {"stop", "length"}


def test_rows_give_way_when_the_cache_is_full_against_the_count(story: Path) -> None:
    backend = LlamaCppBackend(story, n_seq=12, n_ctx=256, threads=1)
    backend._decoders[0].n_ctx = 5000
    found = list(backend.generate(contexts(4, 10, replace(LIVELY, max_tokens=40)), lambda: False))
    assert backend.counters["preempted"] > 0
    assert sorted(c.key for c in found) == sorted(f"{c}-{r}" for c in range(4) for r in range(10))
    assert {c.finish for c in found} <= {"stop", "length"}
    backend.close()


def test_nothing_is_written_to_the_terminal(story: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(LlamaCppBackend(story, n_seq=2, threads=1, n_gpu_layers=-1), contexts(1, 2, GREEDY))
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(story.read_bytes().replace(b"llama", b"lxama"))
    with pytest.raises(SyncseError):
        LlamaCppBackend(damaged)
    assert capfd.readouterr() == ("", "")


def test_sizes_are_chosen_and_shown(story: Path) -> None:
    backend = LlamaCppBackend(story)
    shown = backend.settings()
    for name in ("n_ctx", "n_seq", "n_batch", "threads"):
        value = shown[name]
        assert isinstance(value, int)
        assert value > 0
    assert (shown["profile"], shown["shared_prefix"], shown["window"]) == ("plain", True, 512)
    assert shown["flash_attn"] in ("on", "off")
    assert "no chat template" in str(shown["warnings"])
    backend.close()
    asked = LlamaCppBackend(story, n_ctx=100, n_seq=3, threads=1, flash_attn="off", kv_type="f32")
    shown = asked.settings()
    assert (shown["n_ctx"], shown["window"]) == (256, 256)  # llama.cpp rounds up
    assert (shown["n_seq"], shown["threads"], shown["flash_attn"], shown["kv_type"]) == (3, 1, "off", "f32")
    asked.close()


def test_small_batches_do_not_end_the_process(story: Path) -> None:
    """llama.cpp aborts where a batch has less room than there are sequences."""
    assert len(run(LlamaCppBackend(story, n_seq=8, n_batch=1, threads=1), contexts(2, 12, GREEDY))) == 24


def test_a_second_generate_while_one_runs_is_refused(story: Path) -> None:
    backend = LlamaCppBackend(story, n_seq=2, threads=1)
    running = backend.generate(contexts(1, 8, LIVELY), lambda: False)
    next(running)
    with pytest.raises(RuntimeError, match="already"):
        next(backend.generate(contexts(1, 2, LIVELY), lambda: False))
    assert len(list(running)) == 7
    backend.close()


def test_a_grammar_is_kept_and_bad_ones_are_said(story: Path) -> None:
    backend = LlamaCppBackend(story, n_seq=6, threads=1)
    ruled = replace(LIVELY, grammar='root ::= "Yes, " ("cats" | "dogs") " sleep."', max_tokens=60)
    wrong = replace(LIVELY, grammar="root ::= (((")
    rows = [Row(f"{i}", f"There were {i} cats.", i, [ruled, LIVELY, wrong][i % 3]) for i in range(18)]
    found = run(backend, iter([Context("c", (Message("system", "Tell a story."),), rows)]))
    assert {found[str(i)].text for i in range(0, 18, 3)} == {"Yes, cats sleep.", "Yes, dogs sleep."}
    assert {found[str(i)].finish for i in range(0, 18, 3)} == {"stop"}
    assert {found[str(i)].finish for i in range(2, 18, 3)} == {"refused"}
    assert all("grammar" in found[str(i)].error for i in range(2, 18, 3))
    assert not any(found[str(i)].text.startswith("Yes, ") for i in range(1, 18, 3))


def test_a_grammar_masks_and_does_not_choose(story: Path) -> None:
    """Drawing again after a token that may not follow gives the masked distribution: both words come, as often as alone."""
    backend = LlamaCppBackend(story, n_seq=8, threads=1)
    free = Sampling(temperature=1.0, top_p=1.0, max_tokens=3, grammar="root ::= [a-z A-Z.,]+")
    rows = [Row(str(i), "", i, free) for i in range(64)]
    found = run(backend, iter([Context("c", (Message("user", "Once upon a time"),), rows)]))
    texts = [c.text for c in found.values()]
    assert len(set(texts)) > 16
    assert all(letter.isalpha() or letter in " ,." for text in texts for letter in text)


@pytest.mark.parametrize("lanes", [2, 3])
def test_lanes_change_nothing_but_float_sums(story: Path, lanes: int) -> None:
    """Greedy texts over several lanes are those of one, and a whole run over several lanes repeats."""
    options: dict[str, Any] = {"n_seq": 6, "threads": 1}
    alone = run(LlamaCppBackend(story, lanes=1, **options), contexts(5, 9, GREEDY))
    backend = LlamaCppBackend(story, lanes=lanes, **options)
    assert (backend.settings()["lanes"], backend.settings()["n_seq"]) == (lanes, 6)
    several = run(backend, contexts(5, 9, GREEDY))
    same = sum(alone[key].text == several[key].text for key in alone)
    assert same >= 0.9 * len(alone)
    texts = [run(LlamaCppBackend(story, lanes=lanes, **options), contexts(7, 5, LIVELY)) for _ in range(2)]
    assert {key: c.text for key, c in texts[0].items()} == {key: c.text for key, c in texts[1].items()}


def test_counters_tell_prompts_from_writing(story: Path) -> None:
    backend = LlamaCppBackend(story, n_seq=4, threads=1)
    found = list(backend.generate(contexts(2, 6, GREEDY), lambda: False))
    shared = {c.key.partition("-")[0]: c.cached_tokens for c in found}
    prompts = sum(shared.values()) + sum(c.prompt_tokens - c.cached_tokens for c in found)
    counters = backend.counters
    assert counters["prompt_tokens"] == prompts
    assert counters["tokens"] - prompts == sum(c.output_tokens - (c.finish == "length") for c in found)
    assert 0 < counters["prompt_seconds"] < counters["decoding"]
    backend.close()


@pytest.mark.parametrize(
    "names",
    [["m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"], ["a.gguf", "c.gguf", "b.gguf"]],
)
def test_any_part_of_a_split_model_loads_the_whole(story: Path, tmp_path: Path, names: list[str]) -> None:
    copied_gguf.copy(story, *(tmp_path / name for name in names))
    (tmp_path / "link.gguf").symlink_to(names[1])
    whole = run(LlamaCppBackend(story, n_seq=2, threads=1), contexts(1, 2, GREEDY))
    for name in (names[1], "link.gguf"):
        parts = LlamaCppBackend(tmp_path / name, n_seq=2, threads=1)
        assert {key: c.text for key, c in run(parts, contexts(1, 2, GREEDY)).items()} == {
            key: c.text for key, c in whole.items()
        }


def test_a_model_that_names_no_end_of_text_ends_where_it_must(story: Path, tmp_path: Path) -> None:
    copied_gguf.copy(story, tmp_path / "endless.gguf", without=["tokenizer.ggml.eos_token_id"])
    found = run(LlamaCppBackend(tmp_path / "endless.gguf", n_seq=4, threads=1), contexts(1, 4, LIVELY))
    assert len(found) == 4
    assert all(c.output_tokens <= LIVELY.max_tokens for c in found.values())


def test_a_cancelled_run_finishes_the_rows_that_are_nearly_done(story: Path) -> None:
    backend = LlamaCppBackend(story, n_seq=4, lanes=1, threads=1)
    after = 0

    def cancelled() -> bool:
        return backend.counters["ended"] >= 8

    for _ in backend.generate(contexts(1, 40, LIVELY), cancelled):
        after += backend.counters["ended"] > 8
    assert 8 <= backend.counters["ended"] < 40
    assert 0 < after <= 4, "of the rows in flight, and no new one"
    assert backend.in_flight().written >= backend.counters["ended_tokens"] > 0
    assert len(run(backend, contexts(1, 3, GREEDY))) == 3


def test_it_says_what_is_in_flight_before_the_first_answer(story: Path) -> None:
    backend = LlamaCppBackend(story, n_seq=4, lanes=1, threads=1)
    seen = []

    def look() -> bool:
        seen.append(backend.in_flight())
        return False

    next(backend.generate(contexts(1, 8, LIVELY), look))
    assert any(flight.rows == 4 and flight.read for flight in seen)
    assert seen[0].rows == 0
