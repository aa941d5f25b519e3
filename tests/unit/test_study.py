"""A study's verdicts: real differences found, noise never called one, undefined figures said, and how often it errs."""

import json

import numpy as np
import pytest
from scipy import stats

from syncse_local.compare.rows import Setting
from tests.unit.compare_setup import calibration, compared, cosines, task

RNG_SEED = 11


def test_a_large_difference_is_found_and_the_figures_are_the_metrics() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(300)
    good, bad = cosines(gold, rng, 0.1), cosines(gold, rng, 0.6)
    (row,) = compared([task("STSB", gold, [good, bad])], {"good": [0], "bad": [1]})["rows"]
    values = [score["value"] for score in row["scores"]]
    assert values == pytest.approx([stats.spearmanr(gold, each).statistic for each in (good, bad)])
    assert row["scores"][0]["interval"][0] < values[0] < row["scores"][0]["interval"][1]
    (made,) = row["comparisons"]
    assert (made["verdict"], made["scope"], made["floor"]) == ("better", "encoders", None)
    assert made["difference"] == pytest.approx(values[0] - values[1])
    assert made["corrected"][0] > 0
    assert row["tiers"] == [["good"], ["bad"]]
    assert json.loads(json.dumps(row)) is not None


def test_the_same_predictions_are_never_told_apart() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(50)
    same = cosines(gold, rng, 0.3)
    (row,) = compared([task("STSB", gold, [same, same])], {"one": [0], "two": [1]})["rows"]
    (made,) = row["comparisons"]
    assert (made["verdict"], made["p"], made["difference"]) == ("cannot tell", 1.0, 0.0)
    assert made["notes"] == ["the predictions lead to the same figure on every resample"]
    assert row["tiers"] == [["one", "two"]]


def test_a_difference_inside_the_calibrated_floor_is_no_finding() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(1200)
    shared = cosines(gold, rng, 0.2)
    slightly = shared + 0.05 * rng.normal(size=1200)
    made_of = task("STSB", gold, [shared, slightly])
    without = compared([made_of], {"a": [0], "b": [1]})["rows"][0]
    wide = compared([made_of], {"a": [0], "b": [1]}, calibration=calibration(made_of, [0.70, 0.75, 0.80]))["rows"][0]
    narrow = compared([made_of], {"a": [0], "b": [1]}, calibration=calibration(made_of, [0.7, 0.7001, 0.7002]))["rows"][
        0
    ]
    assert [row["comparisons"][0]["verdict"] for row in (without, wide, narrow)] == ["better", "cannot tell", "better"]
    assert wide["comparisons"][0]["notes"] == ["inside the noise of items and seeds together"]
    assert wide["tiers"] == [["a", "b"]]
    assert [row["comparisons"][0]["scope"] for row in (without, wide, narrow)] == ["encoders", "recipes", "recipes"]


def test_a_calibration_on_other_items_says_nothing() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(200)
    here, there = (task(name, gold, [cosines(gold, rng, 0.2), cosines(gold, rng, 0.4)]) for name in ("STSB", "SICKR"))
    (row,) = compared([here], {"a": [0], "b": [1]}, calibration=calibration(there, [0.7, 0.8]))["rows"]
    assert row["comparisons"][0]["floor"] is None


def test_seeds_and_items_are_reported_apart_and_judged_together() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(1200)
    runs = [cosines(gold, rng, noise) for noise in (0.2, 0.3, 0.4, 0.21, 0.31, 0.42)]
    (row,) = compared([task("STSB", gold, runs)], {"a": [0, 1, 2], "b": [3, 4, 5]})["rows"]
    (made,) = row["comparisons"]
    width = {name: made[name]["interval"][1] - made[name]["interval"][0] for name in ("items_only", "seeds_t")}
    assert made["interval"][1] - made["interval"][0] > 3 * width["items_only"]
    assert width["seeds_t"] > made["interval"][1] - made["interval"][0]
    assert made["verdict"] == "cannot tell"
    assert (made["items_only"]["method"], made["method"]) == ("bca", "percentile")
    first = row["scores"][0]
    assert first["seed_sd"] == pytest.approx(np.std(first["seeds"], ddof=1))
    assert len(first["seeds"]) == 3


def test_an_undefined_figure_is_said_and_not_compared() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(40)
    collapsed = task("STSB", gold, [cosines(gold, rng, 0.2), np.ones(40)], {1: "undefined: all predictions are equal"})
    found = compared([collapsed], {"a": [0], "b": [1]})
    (row,) = found["rows"]
    assert row["scores"][1]["value"] is None
    assert row["scores"][1]["why_undefined"] == ["undefined: all predictions are equal"]
    (made,) = row["comparisons"]
    assert (made["verdict"], made["difference"], found["family"]) == ("cannot tell", None, 0)
    assert made["notes"] == ["b: undefined: all predictions are equal"]
    assert row["tiers"] == [["a"]]


def test_holm_counts_every_pair_and_row() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(60)
    tasks = [task(name, gold, [cosines(gold, rng, 0.3) for _ in range(3)]) for name in ("STS12", "STS13")]
    found = compared(tasks, {"a": [0], "b": [1], "c": [2]})
    assert found["family"] == 6
    for row in found["rows"]:
        for made in row["comparisons"]:
            assert made["p_holm"] >= made["p"]
            assert made["level"] <= 0.05


def test_too_few_draws_for_the_corrected_level_are_said() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(60)
    tasks = [task(f"T{n}", gold, [cosines(gold, rng, 0.3), cosines(gold, rng, 0.35)]) for n in range(4)]
    assert "use --draws" in compared(tasks, {"a": [0], "b": [1]}, Setting(draws=100))["notes"][0]


@pytest.mark.parametrize("seeds", [1, 3])
def test_two_models_of_equal_worth_are_rarely_told_apart(seeds: int) -> None:
    """The rate of wrong findings over studies of two recipes that are the same, with training noise as large as that of the
    items: about 5 % at most, whether each has one run and the machine is calibrated, or three."""
    rng = np.random.default_rng(RNG_SEED)
    wrong, studies = 0, 150
    for _ in range(studies):
        gold = rng.random(120)

        def trained(gold: np.typing.NDArray[np.float64] = gold) -> np.typing.NDArray[np.float64]:
            return cosines(gold, rng, 0.3 * np.exp(0.15 * rng.normal()))

        made_of = task("STSB", gold, [trained() for _ in range(2 * seeds)])
        runs = [stats.spearmanr(gold, trained()).statistic for _ in range(5)]
        known = calibration(made_of, runs) if seeds == 1 else None
        arms = {"a": range(seeds), "b": range(seeds, 2 * seeds)}
        found = compared([made_of], arms, Setting(draws=300), known)
        wrong += found["rows"][0]["comparisons"][0]["verdict"] != "cannot tell"
    assert wrong / studies < 0.05 + 2 * np.sqrt(0.05 * 0.95 / studies)
