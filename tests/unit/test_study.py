"""A study's verdicts: real differences found, noise never called one, undefined figures said, and how often it errs."""

import json

import numpy as np
import pytest
from scipy import stats

from syncse_local.compare.rows import Setting, TaskRuns
from tests.unit.compare_setup import calibration, compared, cosines, task

RNG_SEED = 11


def test_a_large_difference_is_found_and_the_figures_are_the_metrics() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(300)
    good, bad = cosines(gold, rng, 0.1), cosines(gold, rng, 0.6)
    fixed = ("good", "bad")
    (row,) = compared([task("STSB", gold, [good, bad])], {"good": [0], "bad": [1]}, fixed=fixed)["rows"]
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
    fixed = ("one", "two")
    (row,) = compared([task("STSB", gold, [same, same])], {"one": [0], "two": [1]}, fixed=fixed)["rows"]
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
    wide = compared([made_of], {"a": [0], "b": [1]}, calibration=calibration(made_of, [0.70, 0.75, 0.80]))["rows"][0]
    narrow = compared([made_of], {"a": [0], "b": [1]}, calibration=calibration(made_of, [0.7, 0.7001, 0.7002]))["rows"][
        0
    ]
    assert [row["comparisons"][0]["verdict"] for row in (wide, narrow)] == ["cannot tell", "better"]
    assert wide["tiers"] == [["a", "b"]]
    made = wide["comparisons"][0]
    assert (made["scope"], made["floor"]["source"]) == ("recipes", "calibration of 3 runs")
    assert min(made["margin"], made["floor"]["value"]) > abs(made["difference"])


@pytest.mark.parametrize("fixed", [(), ("b",)])
def test_one_uncalibrated_run_says_nothing_of_recipes(fixed: tuple[str, ...]) -> None:
    """Of these encoders it says what there is to say, and claims no tier by it."""
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(300)
    made_of = task("STSB", gold, [cosines(gold, rng, 0.1), cosines(gold, rng, 0.6)])
    found = compared([made_of], {"a": [0], "b": [1]}, fixed=fixed)
    (row,) = found["rows"]
    (made,) = row["comparisons"]
    assert (made["scope"], made["verdict"], made["floor"]) == ("recipes", "cannot tell", None)
    assert [made[name] for name in ("p", "p_holm", "corrected", "margin", "detectable")] == [None] * 5
    assert made["encoders"]["verdict"] == "better"
    assert "of these very encoders: a is better than b" in made["notes"][-1]
    assert row["tiers"] == [["a", "b"]]
    assert (found["family"], found["family_of_encoders"]) == (0, 1)


def test_a_fixed_arm_needs_a_smaller_difference_than_a_trained_one() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(1200)
    made_of = task("STSB", gold, [cosines(gold, rng, noise) for noise in (0.2, 0.22, 0.21, 0.3)])
    arms = {"mine": [0, 1, 2], "base": [3]}
    fixed, trained = (compared([made_of], arms, fixed=names)["rows"][0]["comparisons"][0] for names in (["base"], []))
    assert fixed["floor"]["value"] == pytest.approx(trained["floor"]["value"] / 2)
    assert fixed["margin"] < 0.8 * trained["margin"]
    assert compared([made_of], arms, fixed=["base"])["rows"][0]["scores"][1]["fixed"]


@pytest.mark.parametrize(("items", "told"), [(10, "too few"), (19, "too few"), (41, "few"), (99, "few"), (100, "")])
@pytest.mark.parametrize("metric", ["map", "spearman"])
def test_few_items_are_said_and_too_few_have_no_verdict(metric: str, items: int, told: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(items)
    good, bad = gold + 0.05 * rng.random(items), rng.random(items)
    columns = [{"map": each} if metric == "map" else {"gold": gold, "spearman": each} for each in (good + 0.9, bad)]
    made_of = TaskRuns("A", metric, "queries", items, "x", columns)
    found = compared([made_of], {"a": [0], "b": [1]}, fixed=("a", "b"))
    (made,) = found["rows"][0]["comparisons"]
    assert (made["verdict"], made["p_holm"] is None) == (
        ("cannot tell", True) if told == "too few" else ("better", False)
    )
    assert any("too few for a verdict" in note for note in made["notes"]) == (told == "too few")
    assert any(f"A ({items} queries): under 100 independent items" in note for note in found["notes"]) == (
        told == "few"
    )


def test_means_are_judged_by_sign_flips_and_correlations_by_the_bootstrap() -> None:
    rng = np.random.default_rng(RNG_SEED)
    values = rng.random((4, 60))
    maps = TaskRuns("A", "map", "queries", 60, "x", [{"map": each} for each in values])
    gold = rng.random(60)
    sts = task("STSB", gold, list(values))
    for made_of, method in ((maps, "sign flips"), (sts, "bca")):
        for fixed in (("a", "b"), ()):
            arms = {"a": [0], "b": [1]} if fixed else {"a": [0, 1], "b": [2, 3]}
            (made,) = compared([made_of], arms, fixed=fixed)["rows"][0]["comparisons"]
            assert made["items_only"]["method"] == method
            assert made["method"] == (method if fixed else "t")


def test_items_that_share_a_sentence_count_as_one() -> None:
    """The same twenty differences, each five times: what is known is what twenty items tell."""
    rng = np.random.default_rng(RNG_SEED)
    few = rng.random((2, 24)) + np.array([[0.2], [0.0]])
    many = few.repeat(5, axis=1)
    clusters = np.arange(24.0).repeat(5)
    widths = []
    for values, labels in ((few, None), (many, clusters), (many, None)):
        items = values.shape[1]
        made_of = TaskRuns("A", "map", "queries", items, "x", [{"map": each} for each in values], clusters=labels)
        row = compared([made_of], {"a": [0], "b": [1]}, Setting(draws=4000), fixed=("a", "b"))["rows"][0]
        ends = row["comparisons"][0]["interval"]
        widths.append((ends[1] - ends[0], row["independent"]))
    assert widths[1] == (pytest.approx(widths[0][0], rel=0.05), 24)
    assert widths[2][0] < 0.6 * widths[0][0]


def test_the_average_is_tested_before_its_parts() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(200)
    tasks = [task(f"T{at}", gold, [cosines(gold, rng, noise) for noise in (0.5, 0.62)]) for at in range(12)]
    found = compared(tasks, {"a": [0], "b": [1]}, fixed=("a", "b"), average=True)
    *parts, average = (row["comparisons"][0] for row in found["rows"])
    assert average["level"] == 0.05
    assert average["p_holm"] == average["p"]
    assert average["verdict"] == "better"
    assert all(made["p_holm"] > made["p"] for made in parts if made["p"] > average["p"])
    worse = [task(f"T{at}", gold, [cosines(gold, rng, 0.5) for _ in "ab"]) for at in range(12)]
    shut = compared(worse, {"a": [0], "b": [1]}, fixed=("a", "b"), average=True)
    *parts, average = (row["comparisons"][0] for row in shut["rows"])
    assert average["verdict"] == "cannot tell"
    assert all("not tested: the average comes first, and cannot be told" in made["notes"] for made in parts)


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
    assert made["interval"][1] - made["interval"][0] == pytest.approx(width["seeds_t"], rel=0.1)
    assert made["verdict"] == "cannot tell"
    assert (made["items_only"]["method"], made["method"]) == ("bca", "t")
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
    found = compared(tasks, {"a": [0], "b": [1], "c": [2]}, fixed="abc")
    assert found["family_of_encoders"] + found["family"] == 6
    for row in found["rows"]:
        for made in row["comparisons"]:
            assert made["p_holm"] >= made["p"]
            assert made["level"] <= 0.05


def test_too_few_draws_for_the_corrected_level_are_said() -> None:
    rng = np.random.default_rng(RNG_SEED)
    gold = rng.random(60)
    tasks = [task(f"T{n}", gold, [cosines(gold, rng, 0.3), cosines(gold, rng, 0.35)]) for n in range(4)]
    assert "use --draws" in compared(tasks, {"a": [0], "b": [1]}, Setting(draws=100), fixed="ab")["notes"][-1]


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
