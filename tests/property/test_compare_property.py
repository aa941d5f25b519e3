"""Properties of comparisons: nothing within its margin is a finding, order changes signs alone, tiers follow the verdicts."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.compare.rows import Setting, TaskRuns
from syncse_local.compare.verdicts import BETTER, CANNOT_TELL, WORSE, margin, tiers, verdict
from tests.unit.compare_setup import calibration, compared, cosines, task

OPPOSITE = {BETTER: WORSE, WORSE: BETTER, CANNOT_TELL: CANNOT_TELL}
unit = st.floats(-1, 1, allow_nan=False)


@given(difference=unit, below=st.floats(0, 1), above=st.floats(0, 1), rejected=st.booleans())
def test_no_verdict_within_the_margin_or_across_zero(
    difference: float, below: float, above: float, rejected: bool
) -> None:
    ends = (difference - below, difference + above)
    said, reach = verdict(difference, ends, rejected), margin(difference, ends)
    if said != CANNOT_TELL:
        assert rejected
        assert abs(difference) > reach - 1e-12
        assert not ends[0] <= 0 <= ends[1]
        assert said == (BETTER if difference > 0 else WORSE)


arms = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3), min_size=2, max_size=4)


@settings(max_examples=25, deadline=None)
@given(
    sizes=arms,
    noises=st.lists(st.sampled_from([0.1, 0.2, 0.4, 0.9]), min_size=12, max_size=12),
    floor=st.none() | st.lists(st.floats(0.3, 0.9), min_size=2, max_size=5),
    metric=st.sampled_from(["spearman", "map"]),
    not_trained=st.sets(st.sampled_from("abcd")),
    seed=st.integers(0, 9),
)
def test_a_study_is_antisymmetric_and_contradicts_itself_nowhere(
    sizes: dict[str, int],
    noises: list[float],
    floor: list[float] | None,
    metric: str,
    not_trained: set[str],
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 6, 60) / 5
    made_of = task("STSB", gold, [cosines(gold, rng, noise) for noise in noises])
    if metric == "map":
        made_of = TaskRuns("A", "map", "queries", 60, "x", [{"map": rng.random(60) / (1 + noise)} for noise in noises])
    fixed = [name for name in not_trained if sizes.get(name) == 1]
    places = iter(range(12))
    named = {name: [next(places) for _ in range(size)] for name, size in sizes.items()}
    known = calibration(made_of, floor) if floor else None
    turned_round = dict(reversed(named.items()))
    forward, turned = (
        compared([made_of], given, Setting(draws=120), known, fixed)["rows"][0] for given in (named, turned_round)
    )
    back = {(made["first"], made["second"]): made for made in turned["comparisons"]}
    for made in forward["comparisons"]:
        other = back[made["second"], made["first"]]
        assert other["verdict"] == OPPOSITE[made["verdict"]]
        assert abs(other["difference"] + made["difference"]) < 1e-12
        said, back_said = made.get("encoders", made), other.get("encoders", other)
        assert np.allclose(back_said["corrected"], [-said["corrected"][1], -said["corrected"][0]], atol=1e-9)
        assert abs(back_said["p_holm"] - said["p_holm"]) < 1e-9
        assert ("encoders" in made) == (made["p"] is None) == (made["scope"] == "recipes" and made["floor"] is None)
        assert (made["scope"] == "encoders") == (made["first"] in fixed and made["second"] in fixed)
        _agrees(said, made["difference"])
    assert [set(tier) for tier in forward["tiers"]] == [set(tier) for tier in turned["tiers"]]
    _consistent(forward)


def _agrees(said: dict[str, Any], difference: float) -> None:
    """Verdict, interval, p-value and the difference that was needed say the same."""
    low, high = said["corrected"]
    assert said["margin"] <= said["detectable"]
    if said["verdict"] == CANNOT_TELL:
        assert said["p_holm"] > 0.05 or abs(difference) <= said["margin"]
    else:
        assert said["p_holm"] <= 0.05
        assert abs(difference) > said["margin"]
        assert (low > 0) == (said["verdict"] == BETTER) == (difference > 0)
        assert low > 0 or high < 0


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
