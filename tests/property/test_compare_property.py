"""Properties of comparisons: nothing inside the floor is a finding, order changes signs alone, tiers follow the verdicts."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.compare.rows import Setting
from syncse_local.compare.verdicts import BETTER, CANNOT_TELL, WORSE, margin, tiers, verdict
from tests.unit.compare_setup import calibration, compared, cosines, task

OPPOSITE = {BETTER: WORSE, WORSE: BETTER, CANNOT_TELL: CANNOT_TELL}
unit = st.floats(-1, 1, allow_nan=False)


@given(difference=unit, reach=st.floats(0, 1), floor=st.floats(0, 1), rejected=st.booleans())
def test_no_verdict_inside_the_floor_or_across_zero(
    difference: float, reach: float, floor: float, rejected: bool
) -> None:
    ends = (difference - reach, difference + reach)
    said = verdict(difference, ends, rejected, margin(difference, ends, floor))
    if said != CANNOT_TELL:
        assert rejected
        assert abs(difference) > floor
        assert not ends[0] <= 0 <= ends[1]
        assert said == (BETTER if difference > 0 else WORSE)


arms = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3), min_size=2, max_size=4)


@settings(max_examples=25, deadline=None)
@given(
    sizes=arms,
    noises=st.lists(st.sampled_from([0.1, 0.2, 0.4, 0.9]), min_size=12, max_size=12),
    floor=st.none() | st.lists(st.floats(0.3, 0.9), min_size=2, max_size=5),
    seed=st.integers(0, 9),
)
def test_a_study_is_antisymmetric_and_its_tiers_follow_its_verdicts(
    sizes: dict[str, int], noises: list[float], floor: list[float] | None, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 6, 60) / 5
    made_of = task("STSB", gold, [cosines(gold, rng, noise) for noise in noises])
    places = iter(range(12))
    named = {name: [next(places) for _ in range(size)] for name, size in sizes.items()}
    known = calibration(made_of, floor) if floor else None
    forward = compared([made_of], named, Setting(draws=120), known)["rows"][0]
    turned = compared([made_of], dict(reversed(named.items())), Setting(draws=120), known)["rows"][0]
    back = {(made["first"], made["second"]): made for made in turned["comparisons"]}
    for made in forward["comparisons"]:
        other = back[made["second"], made["first"]]
        assert other["verdict"] == OPPOSITE[made["verdict"]]
        assert abs(other["difference"] + made["difference"]) < 1e-12
        assert np.allclose(other["corrected"], [-made["corrected"][1], -made["corrected"][0]], atol=1e-9)
        assert abs(other["p_holm"] - made["p_holm"]) < 1e-9
        if made["floor"]:
            assert made["verdict"] == CANNOT_TELL or abs(made["difference"]) > made["floor"]["value"]
    assert [set(tier) for tier in forward["tiers"]] == [set(tier) for tier in turned["tiers"]]
    _consistent(forward)


def _consistent(row: dict[str, Any]) -> None:
    """Arms of two tiers are told apart, the higher one being the better; every arm has one tier."""
    place = {name: at for at, tier in enumerate(row["tiers"]) for name in tier}
    assert sorted(place) == sorted(score["arm"] for score in row["scores"])
    for made in row["comparisons"]:
        first, second = place[made["first"]], place[made["second"]]
        if first != second:
            assert made["verdict"] == (BETTER if first < second else WORSE)


@given(st.data())
def test_tiers_hold_for_any_verdicts(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
    scores = {name: data.draw(st.integers(0, 5)) / 5 for name in names}
    pairs = [(a, b) for a in names for b in names if scores[a] > scores[b]]
    above = data.draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    found = tiers(scores, above)
    assert sorted(name for tier in found for name in tier) == sorted(names)
    for at, tier in enumerate(found):
        for lower in found[at + 1 :]:
            assert all((a, b) in above for a in tier for b in lower)
