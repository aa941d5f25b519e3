"""Strangers' text made safe to show: what a screen would obey or hide never passes, and nothing grows without bound."""

import sys
import unicodedata
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncse_local.charts import svg, terminal
from syncse_local.charts.bars import Bars, Series
from syncse_local.results.tables import FORMATS, render
from syncse_local.text.display import HIDDEN, LINE, MOST_MARKS, hidden, is_mark, safe, safe_text
from syncse_local.training.markdown import code

GROWTH = len("\\U000e0041")
"""Characters that one character becomes at most."""
EVIL = (
    "\x1b\x9b\x07\r\n\t\x00\x85\u202e\u2066\u200b\u200d\u2028\u00ad\ufeff\ufe0f\U000e0100\U000e0041\u0378\uffff"
    "\U0010ffff\ud800\udfff\ue000\u034f\u115f\u3164\uffa0\u0335\u0301\u20dd\u1161z❤"
)
TEXTS = st.text(st.characters(codec=None) | st.sampled_from(EVIL), max_size=300)


def sound(shown: str) -> bool:
    """No character that acts or hides, and no pile of marks."""
    run = longest = 0
    for char in shown:
        run = run + 1 if is_mark(char) else 0
        longest = max(longest, run)
    acting = [char for char in shown if unicodedata.category(char) in HIDDEN or hidden(char)]
    return not acting and longest <= MOST_MARKS and "\ufe0f" not in shown


@given(TEXTS, st.integers(1, 400))
@example("z" + "\u0335" * 40, 100)
@example("a\ufe0f" * 50 + "\u0301\ufe0f" * 50, 200)
def test_a_safe_line_has_no_character_that_acts_and_keeps_to_its_limit(text: str, limit: int) -> None:
    shown = safe(text, limit)
    assert sound(shown)
    assert len(shown) <= min(limit, GROWTH * len(text) + 1)
    assert safe(shown, limit) == shown


@given(TEXTS)
def test_safe_text_keeps_its_lines_and_nothing_else_that_acts(text: str) -> None:
    shown = safe_text(text)
    assert all(sound(line) for line in shown.split("\n"))
    assert shown.count("\n") == text.count("\n")
    assert len(shown) <= GROWTH * len(text)
    assert len(safe_text(text, 10)) <= 10


def test_every_character_is_shown_or_escaped() -> None:
    """All of the plane that texts use, and of the other planes every 97th."""
    chars = [*range(0x10000), *range(0x10000, sys.maxunicode + 1, 97)]
    assert sound(safe("x".join(map(chr, chars)), 2**20))


@given(st.text(st.characters(categories=("L", "N", "P", "Zs"), max_codepoint=0x10FF), max_size=200))
def test_safe_leaves_ordinary_text_alone(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\u001b[31m"),
        ("a\nb\tc", "a␤b\\u0009c"),
        ("a\\u000ab", "a\\u000ab"),
        ("\u202eevil", "\\u202eevil"),
        ("a\u200bb", "a\\u200bb"),
        ("\u3164", "\\u3164"),
        ("\u0378\uffff", "\\u0378\\uffff"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("❤️", "❤"),
        ("naïve café", "naïve café"),
        ("ệ in two and three: e\u0323\u0302", "ệ in two and three: e\u0323\u0302"),
    ],
)
def test_safe_shows_what_would_act(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_safe_escapes_piled_up_marks() -> None:
    assert safe("z" + "\u0335" * 5) == "z" + "\u0335" * 3 + "\\u0335" * 2


def test_a_long_line_is_cut_with_an_ellipsis() -> None:
    assert safe("x" * 100_000, 10) == "x" * 9 + "…"
    assert len(safe("x" * 100_000)) == LINE


def test_line_breaks_of_every_system_are_kept_in_a_text() -> None:
    assert safe_text("a\r\nb\rc\n\u2028") == "a\nb\\u000dc\n\\u2028"


@given(TEXTS)
def test_charts_cards_and_tables_show_safe_text_only(text: str) -> None:
    chart = Bars(text, (text,), (Series(text, (1.0,)), Series("b", (2.0,))))
    drawn = svg.document([chart])
    ElementTree.fromstring(drawn)
    for shown in (drawn, terminal.draw(chart), code(text), *(render(form, (["a"], [[text]])) for form in FORMATS)):
        assert all(sound(line) for line in shown.split("\n"))
