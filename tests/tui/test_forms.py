"""What is typed into a form as words of a command; the time that is left; the tour; the newest triplets."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncse_local.cli.main import build
from tui.eta import Eta, worth_showing
from tui.modes import MODES, load
from tui.screens.job_form import JobScreen
from tui.widgets.form import Field, words

JOBS = [kind for mode in MODES if issubclass(kind := load(mode.place), JobScreen)]
FIELDS = (
    Field("input", "i"),
    Field("n", "n", "--n"),
    Field("tasks", "t", "--tasks", several=True),
    Field("m", "m", "*"),
)


def test_fields_become_words_and_empty_ones_say_nothing() -> None:
    given = {"input": " a b.txt ", "n": "3", "tasks": "sts 'a b'", "m": "--force --name x"}
    assert words(FIELDS, given) == ["a b.txt", "--n", "3", "--tasks", "sts", "a b", "--force", "--name", "x"]
    assert words(FIELDS, {"input": "", "n": "  "}) == []


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.text(max_size=20))
def test_a_value_is_never_taken_for_a_flag(path: str, number: str) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("input", nargs="?")
    parser.add_argument("--n")
    found = parser.parse_args(words(FIELDS, {"input": path, "n": number}))
    assert (found.input or "") == (f"./{path.strip()}" if path.strip().startswith("-") else path.strip())
    assert (found.n or "") == number.strip()


@pytest.mark.parametrize("screen", JOBS, ids=lambda screen: screen.VERB)
def test_every_field_is_an_argument_of_its_verb(screen: type[JobScreen]) -> None:
    values = {field.name: "7" for field in screen.FIELDS if field.flag != "*"}
    build().parse_args([screen.VERB, *words(screen.FIELDS, values), "--detach"])


def test_even_rates_have_a_narrow_interval_and_uneven_ones_a_wide_one() -> None:
    even, uneven = Eta(), Eta()
    for step in range(20):
        even.add(4.0 * step, 40.0 * step)
        uneven.add(4.0 * step, 40.0 * step + 30 * (step % 2))
    assert even.interval(100) == pytest.approx((10, 10))
    interval = uneven.interval(100)
    assert interval is not None
    assert interval[0] < 9 < 11 < interval[1]
    even.add(100.0, 0.0)
    assert even.interval(100) is None


def test_an_estimate_is_shown_once_it_says_something() -> None:
    assert not worth_showing(1, 80, None)
    assert worth_showing(20, 80, None)
    assert not worth_showing(20, 4000, None)
    assert not worth_showing(40, 80, (10.0, 60.0))
    assert worth_showing(2, 80, (10.0, 12.0))


def test_a_file_is_suggested_by_its_beginning(tmp_path: Path) -> None:
    from tui.widgets.form import _first_path

    (tmp_path / "notes.txt").touch()
    (tmp_path / "more").mkdir()
    assert _first_path(f"{tmp_path}/no") == f"{tmp_path}/notes.txt"
    assert _first_path(f"{tmp_path}/m") == f"{tmp_path}/more/"
    assert _first_path(f"{tmp_path}/x") is None
