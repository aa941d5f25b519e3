"""Text from the store made safe for a terminal, and numbers, ages and command lines in words."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncse_local.text.display import age, clock, figure, line, number, place, safe, shortened


@given(st.text(max_size=400), st.integers(1, 400))
def test_safe_text_has_no_character_that_acts_and_keeps_to_its_limit(text: str, limit: int) -> None:
    shown = safe(text, limit)
    assert len(shown) <= limit
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]


@given(st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=200))
def test_safe_leaves_ordinary_text_alone(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\u001b[31m"),
        ("a\nb\tc", "a␤b\\u0009c"),
        ("\u202eevil", "\\u202eevil"),
        ("a\u200bb", "a\\u200bb"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("❤️", "❤"),
        ("naïve café", "naïve café"),
    ],
)
def test_safe_shows_what_would_act(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_safe_escapes_piled_up_marks() -> None:
    assert safe("z" + "\u0335" * 5) == "z" + "\u0335" * 3 + "\\u0335" * 2


def test_safe_cuts_a_long_line_with_an_ellipsis() -> None:
    assert safe("x" * 100_000, 10) == "x" * 9 + "…"


@pytest.mark.parametrize("value", [None, "7", True, float("nan"), float("inf"), 10**400, [], {}])
def test_number_takes_finite_numbers_only(value: object) -> None:
    assert number(value) is None
    assert figure(value) == ""


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (1600, "1,600"), (51.04, "51.0"), (0.87123, "0.8712"), (2345.6, "2,346"), (1e300, "1e+300")],
)
def test_figure(value: float, shown: str) -> None:
    assert figure(value) == shown


@pytest.mark.parametrize(("width", "shown"), [(9, "mine (e1)"), (8, "mine…e1)"), (2, "m…"), (1, "…")])
def test_a_long_name_loses_its_middle(width: int, shown: str) -> None:
    assert shortened("mine (e1)", width) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(-5, "0:00"), (9, "0:09"), (75, "1:15"), (3_725, "1:02:05")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("ago", "shown"),
    [(-3, "now"), (0.4, "now"), (59, "59s"), (60, "1m"), (7_199, "1h"), (86_400, "1d"), (10**7, "115d")],
)
def test_age(ago: float, shown: str) -> None:
    assert age(1000.0, 1000.0 + ago) == shown


def test_a_command_names_the_workspace_unless_it_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert line(["show", "g1-a", "--follow"], tmp_path / "workspace") == "syncse show g1-a --follow"
    assert line(["cancel", "g1-a"], tmp_path / "my own") == f"syncse cancel g1-a -w '{tmp_path}/my own'"
    assert place(tmp_path / "workspace") == "workspace"


def test_a_command_to_paste_quotes_a_hostile_id(tmp_path: Path) -> None:
    shown = line(["show", "x\n; rm -rf ~ #"], tmp_path)
    assert "\n" not in shown
    assert shown.startswith("syncse show 'x␤; rm -rf ~ #' -w ")
