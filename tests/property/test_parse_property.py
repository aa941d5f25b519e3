"""The parser over hostile text: never an exception, never a hidden character, and the same answer twice."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.records import Message
from syncse_local.synthesis.parse import Failure, parse_pair, parse_sentences
from syncse_local.text.clean import clean, normalise, sentence_key, squash

BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
PIECES = [
    "<think>", "</think>", "<|channel|>final<|message|>", "<|im_end|>", "</s>", "[INST]", "<answer>", "```", "**", "__",
    '"', "'", "\u201c", "\u201d", "\u00ab", "(Note: ", ")", "Answer:", "Sentence: ", "Sure! Here is a sentence:", "- ",
    "1. ", "# ", "> ", "\n", "\r", "\u2028", "\x00", "\x1b[31m", "\x1b]0;x\x07", "\x9b1m", "\u202e", "\u200b", "\ufeff",
    "\ud800", "\udc00", "\U000e0041", "I'm sorry, but I can't provide that request.", "As an AI", "ha", "a ", "very ",
    "Mr. ", "U.S. ", ". ", "! ", "\u3002", "User:", "{genre}", "%s", "{0}", "<b>", "[red]", "e\u0301",
    "\u0130", "\ufdfa",
]  # fmt: skip
hostile = st.one_of(
    st.text(st.characters(codec=None), max_size=200),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=40).map("".join),
    st.tuples(st.sampled_from(PIECES), st.integers(1, 400)).map(lambda pair: pair[0] * pair[1]),
)
finishes = st.sampled_from(["stop", "length", "cancelled", "refused", "error", "nonsense"])
messages = st.lists(st.builds(Message, st.sampled_from(["system", "user", "assistant"]), hostile), max_size=3)


def shown(text: str) -> bool:
    """Whether every character may be put on a screen and in a database."""
    return not any(unicodedata.category(char) in ("Cc", "Cs") or char in BIDI for char in text)


@settings(deadline=None)
@given(raw=hostile, finish=finishes, anchor=hostile, prefix=messages)
def test_any_text_gives_a_clean_pair_or_a_typed_failure(
    raw: str, finish: str, anchor: str, prefix: list[Message]
) -> None:
    found = parse_pair(raw, finish, anchor, prefix)
    assert shown(found.text)
    assert found.text == normalise(found.text)
    assert found.failure is None or isinstance(found.failure, Failure)
    assert found.text or found.failure
    assert found == parse_pair(raw, finish, anchor, prefix)


@settings(deadline=None)
@given(raw=hostile, finish=finishes, prefix=messages, topics=st.lists(hostile, max_size=3), count=st.integers(1, 20))
def test_any_text_gives_clean_sentences_or_typed_failures(
    raw: str, finish: str, prefix: list[Message], topics: list[str], count: int
) -> None:
    found = parse_sentences(raw, finish, prefix, None, topics, count)
    assert found
    assert all(shown(p.text) and p.text == normalise(p.text) for p in found)
    good = [squash(p.text) for p in found if p.failure is None]
    assert all(good)
    assert len(good) == len(set(good))


@settings(deadline=None)
@given(text=hostile)
def test_cleaning_settles_and_keys_see_only_the_normal_form(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert normalise(normalise(text)) == normalise(text)
    assert sentence_key(text) == sentence_key(f"\n {text}\t ")
    once.encode("utf-8")


@pytest.mark.parametrize("piece", PIECES)
def test_very_long_replies_come_back_short_or_failed(piece: str) -> None:
    for raw in ("".join(f"{piece}{i} " for i in range(20_000)), piece * 200_000):
        for found in (parse_pair(raw, "length", "A cat sat."), *parse_sentences(raw, "length")):
            assert found.failure or len(found.text) <= 600
