"""Measures of diversity against figures worked out by hand."""

import math
from collections import Counter

import numpy as np
import pytest

from syncse_local.synthesis.report.faithfulness import faithfulness
from syncse_local.synthesis.report.lexical import compression_ratio, distinct, grams, self_bleu
from syncse_local.synthesis.report.tables import doubt
from syncse_local.synthesis.report.vectors import mean_cosine, vendi_score

E1, E2, E3 = np.eye(3, dtype=np.float32)


def split(*texts: str) -> list[list[str]]:
    return [text.split() for text in texts]


def test_distinct_counts_different_grams() -> None:
    texts = split("a b a", "b c")
    assert distinct(texts, 1) == 3 / 5
    assert distinct(texts, 2) == 1.0
    assert distinct(split("a b a b"), 2) == 2 / 3
    assert distinct(split("a", "a"), 1) == 1 / 2
    assert distinct(split("a", "a"), 2) is None
    assert distinct([], 1) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("a b c d", "a b c d"), 1.0),
        (("a b c", "a b c", "a b c"), 1.0),
        (("a b c d", "e f g h"), (0.1**4 / 24) ** 0.25),
        # three of four words, two of three pairs, one of two triples, no run of four
        (("a b c d", "a b c e"), (3 / 4 * 2 / 3 * 1 / 2 * 0.1) ** 0.25),
        # the short one is all in the long one and is fined for its length; the long one has two words of four from it
        (("a b c d", "a b"), (math.exp(1 - 4 / 2) + (2 / 4 * 1 / 3 * 0.1 / 2 * 0.1) ** 0.25) / 2),
        # "a" counts once, as often as the other has it; no pair is shared
        (("a a", "a b"), ((1 / 2 * 0.1) ** 0.5 + (1 / 2 * 0.1) ** 0.5) / 2),
        # of several references the one that has most counts
        (("a a", "a b", "a a"), (1.0 + (1 / 2 * 0.1) ** 0.5 + 1.0) / 3),
    ],
)
def test_self_bleu(texts: tuple[str, ...], expected: float) -> None:
    assert self_bleu(split(*texts)) == pytest.approx(expected, abs=1e-12)


def test_self_bleu_needs_two_texts_with_words() -> None:
    assert self_bleu(split("a b c d")) is None
    assert self_bleu([["a"], []]) is None


def test_grams_are_in_order() -> None:
    assert Counter(grams(["a", "b", "a", "b"], 2)) == {("a", "b"): 2, ("b", "a"): 1}
    assert list(grams(["a"], 2)) == []


def test_compression_finds_repetition() -> None:
    varied = ["A dog sleeps.", "Taxes rose last year.", "She plays the violin badly.", "Is the shop open?"]
    alone, same = compression_ratio(varied), compression_ratio([varied[0]] * 50)
    assert alone is not None
    assert same is not None
    assert alone < 1.5 < 10 < same
    assert compression_ratio([]) is None
    assert compression_ratio(["\ud800"]) is not None


def test_vendi_counts_what_differs() -> None:
    assert vendi_score(np.stack([E1, E1, E1])) == pytest.approx(1)
    assert vendi_score(np.stack([E1, E2, E3])) == pytest.approx(3)
    assert vendi_score(np.stack([E1, 5 * E1, E2, E2])) == pytest.approx(2)
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert vendi_score(np.stack([E1, E1, E1, E2])) == pytest.approx(math.exp(entropy))
    assert vendi_score(np.zeros((0, 3))) is None


def test_vendi_is_the_same_from_either_matrix() -> None:
    rows = np.random.default_rng(0).normal(size=(6, 4))
    few = np.pad(rows, ((0, 0), (0, 10)))  # more columns than rows: the other matrix, the same angles
    assert vendi_score(rows) == pytest.approx(vendi_score(few))


def test_mean_cosine_is_over_pairs() -> None:
    assert mean_cosine(np.stack([E1, 2 * E1, E2])) == pytest.approx(1 / 3)
    assert mean_cosine(np.stack([E1, -E1])) == pytest.approx(-1)
    assert mean_cosine(np.stack([E1])) is None


def test_faithfulness_of_triplets() -> None:
    vectors = {
        "a": np.array([1, 0], np.float32),
        "near": np.array([3, 4], np.float32),
        "far": np.array([0, 2], np.float32),
        "back": np.array([-1, 0], np.float32),
    }
    found = faithfulness((["a", "a"], ["near", "near"], ["far", "back"]), vectors)
    assert found is not None
    assert (found["triplets"], found["positive"], found["negative"], found["nearer"]) == (2, 0.6, -0.5, 1.0)
    assert (found["gap"], found["error"]) == (1.1, 0.5)
    assert found["histograms"]["positive"] == [0, 0, 0, 0, 0, 0, 2, 0, 0, 0]
    assert found["histograms"]["negative"] == [2, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert not found["doubtful"]
    swapped = faithfulness((["a", "a"], ["far", "back"], ["near", "near"]), vectors)
    assert swapped is not None
    assert swapped["doubtful"]
    assert "no nearer" in doubt("g1", swapped)
    one = faithfulness((["a"], ["near"], ["far"]), vectors)
    assert one is not None
    assert one["doubtful"], "one triplet tells nothing"
    assert faithfulness(([], [], []), vectors) is None
    assert faithfulness((["a"], ["near"], ["far"]), {}) is None
