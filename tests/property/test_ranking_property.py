"""Properties of the ranking measures over many candidate lists, with scikit-learn as the reference of two."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from syncse_local.evaluation.reranking import Query, measures

# Eighths make ties common and are exact in single precision.
candidates = st.lists(st.tuples(st.integers(0, 2), st.integers(-8, 8)), min_size=2, max_size=40).filter(
    lambda found: len({gain > 0 for gain, _ in found}) == 2
)
untied = candidates.map(lambda found: [(gain, place) for place, (gain, _) in enumerate(found)])


def measured(found: list[tuple[int, int]], unlisted: tuple[int, ...] = ()) -> dict[str, float]:
    query = Query(("q",), tuple(f"d{n}" for n in range(len(found))), tuple(gain for gain, _ in found), unlisted)
    return measures(query, np.array([score / 8 for _, score in found], dtype=np.float32))


@given(candidates)
def test_map_is_scikit_learns_also_with_ties(found: list[tuple[int, int]]) -> None:
    expected = average_precision_score([gain > 0 for gain, _ in found], [score / 8 for _, score in found])
    assert measured(found)["map"] == pytest.approx(expected, abs=1e-12)


@given(untied, st.randoms())
def test_without_ties_the_order_of_candidates_does_not_matter(found: list[tuple[int, int]], random: Random) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert measured(shuffled) == pytest.approx(measured(found))


@given(untied)
def test_without_ties_the_two_maps_agree_and_ndcg_is_scikit_learns(found: list[tuple[int, int]]) -> None:
    figures = measured(found)
    assert figures["map@1000"] == pytest.approx(figures["map"])
    expected = ndcg_score([[gain for gain, _ in found]], [[score for _, score in found]], k=10)
    assert figures["ndcg@10"] == pytest.approx(expected)


@given(candidates)
def test_every_measure_lies_between_0_and_1_and_is_1_for_the_best_order(found: list[tuple[int, int]]) -> None:
    assert all(0 <= value <= 1 + 1e-12 for value in measured(found).values())
    best = measured([(gain, gain) for gain, _ in sorted(found, reverse=True)])
    assert best == pytest.approx(dict.fromkeys(best, 1.0))


@given(untied, st.integers(0, 100))
def test_a_relevant_candidate_that_rises_never_lowers_a_measure(found: list[tuple[int, int]], pick: int) -> None:
    relevant = [place for place, (gain, _) in enumerate(found) if gain == 2] or [
        place for place, (gain, _) in enumerate(found) if gain
    ]
    chosen = relevant[pick % len(relevant)]
    risen = [(gain, len(found) if place == chosen else score) for place, (gain, score) in enumerate(found)]
    before, after = measured(found), measured(risen)
    assert all(after[name] >= before[name] - 1e-12 for name in before)


@given(candidates)
def test_relevant_documents_that_are_no_candidates_lower_map_at_1000_only_as_a_share(
    found: list[tuple[int, int]],
) -> None:
    relevant = sum(gain > 0 for gain, _ in found)
    listed, missing = measured(found), measured(found, unlisted=(1, 1))
    assert missing["map@1000"] == pytest.approx(listed["map@1000"] * relevant / (relevant + 2))
    assert (missing["map"], missing["mrr@10"]) == (listed["map"], listed["mrr@10"])
