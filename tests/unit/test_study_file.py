"""A study's file, its arms, its split and its draws: each bad input is refused by name, each draw lies within the next."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Triplet
from syncse_local.specs.study import QUESTIONS
from syncse_local.study import tables, template
from syncse_local.study.arms import arms, sources
from syncse_local.study.design import study_of
from syncse_local.study.scatter import scatter
from syncse_local.study.split import split
from syncse_local.training.sources import drawn, numbered


def data(**changes: Any) -> dict[str, Any]:
    return {"name": "s", "input": {"file": "x.txt"}, "generators": [{"name": "a", "backend": "echo"}], **changes}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_new_file_is_sound_and_reads_back_what_was_given(question: str) -> None:
    odd = 'C:\\new "one".gguf'
    text = template.text("mine", question, [odd, "b.gguf"], "notes é.txt", "llamacpp")
    study = study_of(tomllib.loads(text), "new")
    assert (study.name, study.question, study.input) == ("mine", question, "notes é.txt")
    assert [generator.model for generator in study.generators] == [odd, "b.gguf"]


def test_reasoning_on_and_off_are_two_generators() -> None:
    made = [{"name": "off", "model": "m.gguf"}, {"name": "on", "model": "m.gguf", "options": {"thinking": "on"}}]
    assert len(sources(arms(study_of(data(generators=made), "here")))) == 2


def test_arms_cross_the_factors_and_share_their_generate_runs() -> None:
    study = study_of(
        data(
            factors={"size": [10, 20], "filters": [True, False], "temperature": [0.5, 1.0]}, baselines={"dropout": True}
        ),
        "here",
    )
    found = arms(study)
    assert [arm.name for arm in found[:2]] == ["untrained", "dropout"]
    assert len(found) == 2 + 2 * 2 * 2
    assert len({arm.name for arm in found}) == len(found)
    assert len(sources(found)) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"factors": {"size": [5, 5]}}, "twice"),
        ({"factors": {"temperature": [9.0]}}, "9.0"),
        ({"factors": {"seize": [5]}}, "seize"),
        ({"generators": []}, "[[generators]]"),
        ({"generators": [{"name": "a"}, {"name": "a"}]}, "twice"),
        ({"generators": [{"name": "a"}, {"name": "b", "options": {"n_ctx": 512}}]}, "the same answers"),
        ({"generators": [{"name": "a"}, {"name": "b", "options": {"thinking": "off"}}]}, "the same answers"),
        ({"name": "../x"}, "../x"),
        ({"training": {"epochs": 0}}, "epochs"),
        ({"training": {"seed": 3}}, "seed"),
        ({"version": 2}, "version"),
        ({"seeds": [True]}, "True"),
        ({"matched_on": "luck"}, "luck"),
    ],
)
def test_a_bad_value_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(SyncseError) as refused:
        study_of(data(**changes), "here")
    assert refused.value.code == ExitCode.USAGE
    assert said in refused.value.detail


def test_a_sentence_is_kept_apart_whatever_its_place(tmp_path: Path) -> None:
    lines = [f"Sentence number {n} is here." for n in range(400)]
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("\n".join(lines), encoding="utf-8")
    second.write_text("\n".join(reversed(lines)), encoding="utf-8")
    one, two = (split(tmp_path / "w", path, 0, 0.25) for path in (first, second))
    held, again = (set(part.held_out.read_text(encoding="utf-8").splitlines()) for part in (one, two))
    assert held == again
    assert 60 < len(held) < 140
    assert held.isdisjoint(one.train.read_text(encoding="utf-8").splitlines())
    assert one.sentences + one.kept == 400


def test_draws_are_nested_exact_and_the_same_in_any_order() -> None:
    rows = [Triplet(f"s{n % 40}", f"p{n}", "n") for n in range(80)]
    small, large = drawn(rows, 10), drawn(rows, 30)
    assert small < large
    assert len(large) == 30
    other = [Triplet(row.sentence, "another positive", "another") for row in rows]
    assert drawn(other, 10) == small
    assert len([row for row, number in numbered(rows) if number in small]) == 10
    with pytest.raises(SyncseError) as few:
        drawn(rows, 81)
    assert few.value.code == ExitCode.NOTHING


def compared(tiers: list[list[str]], verdict: str) -> dict[str, Any]:
    score = {"interval": [0.4, 0.6], "seed_sd": None, "seeds": [0.5], "why_undefined": []}
    row = {
        "name": "STSB", "metric": "spearman", "average": False, "tasks": ["STSB"], "items": 9, "tiers": tiers,
        "scores": [{"arm": name, "value": 0.5, **score} for name in ("a", "b")],
        "comparisons": [{"first": "a", "second": "b", "difference": -0.1, "corrected": [-0.2, -0.05], "verdict": verdict}],
    }  # fmt: skip
    named = [{"arm": name, "baseline": "", "error": None} for name in ("a", "b")]
    return {"compare": {"rows": [row]}, "arms": named, "seeds": [1]}


def test_the_answer_names_the_better_arm_or_says_that_nobody_can_tell() -> None:
    assert tables.answer(compared([["b"], ["a"]], "worse")) == (
        "b is better than a by 10.00 (5.00 to 20.00) on STSB (spearman x 100)."
    )
    assert "cannot tell a and b apart" in tables.answer(compared([["a", "b"]], "cannot tell"))
    assert "no answer yet" in tables.answer({"compare": None, "arms": [], "seeds": [1]})
    assert any("One training seed" in line for line in tables.limits(compared([["a", "b"]], "cannot tell")))


def test_a_published_task_answers_before_the_generators_own() -> None:
    def row(name: str, average: bool = False) -> dict[str, Any]:
        return {"name": name, "average": average}

    rows = [row("retrieval:held-out.jsonl"), row("STSB")]
    assert tables.main_row({"compare": {"rows": rows}}) == row("STSB")
    assert tables.main_row({"compare": {"rows": rows[:1]}}) == rows[0]
    assert tables.main_row({"compare": {"rows": [*rows, row("all", True)]}}) == row("all", True)


def test_a_scatter_escapes_names() -> None:
    drawn_as = scatter([("<b>&", 1.0, 0.5, 0.4, 0.6)], "tokens", "score")
    assert "<b>" not in drawn_as
    assert "&lt;b&gt;&amp;" in drawn_as
