"""Averages before their parts: Holm where there is no head, monotone, and rarely wrong about anything, whatever is true."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.compare.gatekeeper import Question, decide


def holm(p_values: list[float]) -> list[float]:
    """The adjusted p-values of Holm's procedure, written out."""
    ordered = sorted(p_values)
    steps = [min(1.0, (len(ordered) - at) * p) for at, p in enumerate(ordered)]
    return [max(step for step, other in zip(steps, ordered, strict=True) if other <= p) for p in p_values]


@given(
    st.lists(st.sampled_from([0.0, 0.001, 0.005, 0.01, 0.012, 0.03, 0.04, 0.05, 0.2, 0.6, 1.0]), min_size=1, max_size=8)
)
def test_a_question_without_a_head_is_holms_procedure(p_values: list[float]) -> None:
    found = decide(p_values, [Question(rest=list(range(len(p_values))))])
    wanted = holm(p_values)
    assert [said.rejected for said in found] == [p <= 0.05 for p in wanted]
    kept = [(said.adjusted, p) for said, p in zip(found, wanted, strict=True)]
    assert all(one == pytest.approx(other) for one, other in kept)
    assert all(said.tested for said in found)


def test_levels_are_those_of_each_step_and_equal_ones_are_tried_at_one() -> None:
    found = decide([0.01, 0.04, 0.03, 0.005, 0.01, 0.6], [Question(rest=[0, 1, 2, 3, 4, 5])])
    assert found[3].level == pytest.approx(0.05 / 6)
    assert found[0].level == found[4].level == pytest.approx(0.05 / 5)
    assert found[1].level == found[5].level == pytest.approx(0.05 / 3)  # where the procedure ended
    assert decide([], []) == []


def test_an_average_is_not_held_back_by_its_parts() -> None:
    """As +10 points on the average of 48 tasks, at p 0.02, were: in one family with them it needs 0.001."""
    parts = [0.02, *np.linspace(0.03, 1, 48)]
    found = decide(parts, [Question(head=0, rest=list(range(1, 49)))])
    assert found[0].rejected
    assert found[0].adjusted == pytest.approx(0.02)
    assert not any(said.rejected for said in found[1:])
    shut = decide([0.2, *[0.0001] * 48], [Question(head=0, rest=list(range(1, 49)))])
    assert not any(said.rejected for said in shut)
    assert [said.tested for said in shut] == [True] + [False] * 48


def test_questions_share_the_level_and_hand_it_on() -> None:
    two = [Question(head=0, rest=[1]), Question(head=2, rest=[3])]
    assert [said.rejected for said in decide([0.03, 0.03, 0.6, 0.6], two)] == [False] * 4
    assert [said.rejected for said in decide([0.02, 0.02, 0.04, 0.04], two)] == [True] * 4
    assert [said.rejected for said in decide([0.02, 0.02, 0.06, 0.001], two)] == [True, True, False, False]


questions = st.lists(st.tuples(st.booleans(), st.integers(1, 4)), min_size=1, max_size=3)


def laid_out(shape: list[tuple[bool, int]]) -> list[Question]:
    at, made = 0, []
    for headed, parts in shape:
        made.append(Question(at if headed else None, list(range(at + headed, at + headed + parts))))
        at += headed + parts
    return made


@settings(deadline=None)  # the machine may be busy
@given(shape=questions, data=st.data())
def test_a_smaller_p_value_never_takes_a_rejection_away(shape: list[tuple[bool, int]], data: st.DataObject) -> None:
    asked = laid_out(shape)
    count = sum(len(question.places()) for question in asked)
    p_values = data.draw(st.lists(st.floats(0, 0.2), min_size=count, max_size=count))
    smaller = [p * data.draw(st.floats(0, 1)) for p in p_values]
    before, after = decide(p_values, asked), decide(smaller, asked)
    for one, other, p in zip(before, after, p_values, strict=True):
        assert other.adjusted <= one.adjusted + 1e-12
        assert other.rejected or not one.rejected
        assert one.level <= 0.05
        assert not one.rejected or (p <= one.level + 1e-12 and one.tested)
    for question in asked:
        if question.head is not None and not before[question.head].rejected:
            assert not any(before[at].rejected for at in question.rest)


@pytest.mark.parametrize("false", [(), (0,), (0, 1, 2), (4,)])
def test_the_chance_of_any_wrong_rejection_is_5_percent_at_most(false: tuple[int, ...]) -> None:
    """Two questions of an average and three parts; `false` hypotheses have tiny p-values, all others are true."""
    rng = np.random.default_rng(3)
    asked, studies = [Question(0, [1, 2, 3]), Question(4, [5, 6, 7])], 3000
    wrong = 0
    for _ in range(studies):
        p_values = rng.random(8)
        p_values[list(false)] = 1e-6
        wrong += any(said.rejected for at, said in enumerate(decide(list(p_values), asked)) if at not in false)
    assert wrong / studies < 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / studies)
