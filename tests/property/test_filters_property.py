"""Filters over hostile text never raise, and say the same again, in any order; MinHash estimates Jaccard similarity."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.filters.apply import judge_all
from syncse_local.synthesis.filters.instruments import Instruments
from syncse_local.synthesis.filters.judge import parse_score
from syncse_local.synthesis.filters.minhash import BINS, bands, estimate, shingles, signature
from syncse_local.synthesis.filters.settings import Cosine, FilterSettings, Judge
from syncse_local.synthesis.filters.verdict import Candidate, Verdict
from syncse_local.text.clean import sentence_key
from syncse_local.text.words import jaccard

ODD = [
    "<b>",
    "((",
    "\u202e",
    "\ud800",
    "\x00",
    "***",
    '"',
    "\u0130",
    "ß",
    "{count}",
    "&amp;",
    "a" * 300,
    "die der und",
    "犬",
]
text = st.one_of(
    st.text(st.characters(codec=None), max_size=60),
    st.lists(st.sampled_from([*ODD, "the", "dog", "runs", "home", "."]), max_size=15).map(" ".join),
)
triplets = st.lists(st.tuples(text, text, text), min_size=1, max_size=25)
ALL_ON = FilterSettings(cosine=Cosine("encoder"), judge=Judge("model"))


def _measured(sentence: str, output: str) -> float:
    return random.Random(f"{sentence!r} {output!r}").choice([-1.0, 0.0, 0.97, 2.0, 4.0])


INSTRUMENTS = Instruments(_measured, _measured)


def _judged(rows: list[Candidate]) -> list[tuple[int, list[tuple[str, str, float | None]]]]:
    gate = Gate()
    gate.add("set", ["the dog runs home .", "the the dog dog runs runs home home"])
    found = judge_all(rows, ALL_ON, INSTRUMENTS, gate)
    return [(row.ordinal, [(c.name, f.verdict.value, f.score) for c, f in findings]) for row, findings in found]


@settings(max_examples=150, deadline=None)
@given(triplets, st.randoms())
def test_hostile_text_never_raises_and_order_changes_nothing(
    texts: list[tuple[str, str, str]], shuffle: random.Random
) -> None:
    rows = [Candidate(i, sentence_key(t[0]), *t) for i, t in enumerate(texts)]
    first = _judged(rows)
    mixed = list(rows)
    shuffle.shuffle(mixed)
    assert _judged(mixed) == first
    assert [ordinal for ordinal, _ in first] == list(range(len(rows)))
    scores = [score for _, found in first for _, _, score in found if score is not None]
    assert all(map(math.isfinite, scores))
    assert {verdict for _, found in first for _, verdict, _ in found} <= set(map(str, Verdict))


@given(st.text(st.characters(codec=None)))
def test_no_answer_of_a_judge_raises(raw: str) -> None:
    score = parse_score(raw, "stop")
    assert score is None or 0 <= score <= 5


@given(st.text(st.characters(codec=None)))
def test_every_text_has_shingles_and_a_signature(raw: str) -> None:
    found = signature(shingles(raw))
    assert len(found) == BINS
    assert len(set(bands(found))) == len(bands(found))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 0.95, 1.0])
@pytest.mark.parametrize("size", [30, 300])
def test_minhash_estimates_jaccard(share: float, size: int) -> None:
    """Over 200 fixed seeds the mean is within 0.02 and the spread is that of 64 independent bins, or little more."""
    same = round(2 * size * share / (1 + share))
    common = {f"c{i}" for i in range(same)}
    one = frozenset(common | {f"a{i}" for i in range(size - same)})
    other = frozenset(common | {f"b{i}" for i in range(size - same)})
    exact = jaccard(one, other)
    found = [estimate(signature(one, seed), signature(other, seed)) for seed in range(1, 201)]
    mean = sum(found) / len(found)
    spread = math.sqrt(sum((value - mean) ** 2 for value in found) / len(found))
    assert mean == pytest.approx(exact, abs=0.02)
    assert spread <= 1.6 * math.sqrt(exact * (1 - exact) / BINS) + 1e-9


def test_a_signature_is_the_same_in_every_process_and_follows_its_seed() -> None:
    found = signature(shingles("The old man feeds the ducks."))
    assert found[:2] == signature(shingles("the old man feeds the ducks"))[:2]
    assert found != signature(shingles("The old man feeds the ducks."), seed=2)
    with pytest.raises(ValueError, match="at least one"):
        signature(frozenset())
