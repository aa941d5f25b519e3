"""The compare stage on evaluations made by hand: tasks in common, averages, other metrics, undefined figures, wrong items."""

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from syncse_local.compare.arms import parse
from syncse_local.compare.calibration import calibrate
from syncse_local.compare.job import run
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs.job import Job
from syncse_local.jobs.progress import StoreReporter
from syncse_local.store import runs
from syncse_local.store.database import connect
from syncse_local.training.hardware import describe
from tests.unit.eval_runs import evaluated, trained

GOLD = np.random.default_rng(1).integers(0, 11, 80) / 2


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "w.db")


def encoder(
    connection: sqlite3.Connection,
    name: str,
    noise: float,
    tasks: tuple[str, ...] = ("STS12", "STS13"),
    clusters: list[float] | None = None,
) -> str:
    """An evaluation whose cosines follow the gold scores up to noise; without any where noise is infinite."""
    rng = np.random.default_rng(len(name))
    cosines = np.ones(80) if np.isinf(noise) else GOLD / 5 + noise * rng.normal(size=80)
    value = None if np.isinf(noise) else float(stats.spearmanr(GOLD, cosines).statistic)
    scores = {(task, metric): value for task in tasks for metric in ("spearman", "pearson")}
    columns = {"spearman": cosines.tolist(), "gold": GOLD.tolist(), **({"cluster": clusters} if clusters else {})}
    return evaluated(connection, name, scores, columns=columns)


def compared(connection: sqlite3.Connection, tmp_path: Path, *names: str, **options: Any) -> dict[str, Any]:
    plan = {"arms": parse(connection, names), "setting": {"draws": 200}, **options}
    made = runs.create(connection, "compare", plan)
    return run(Job(made, connection, StoreReporter(connection, made.id), tmp_path, tmp_path))


def test_tasks_in_common_their_average_and_what_is_left_out(connection: sqlite3.Connection, tmp_path: Path) -> None:
    good = encoder(connection, "good", 0.1, ("STS12", "STS13", "SICKR"))
    bad = encoder(connection, "bad", 1.5)
    found = compared(connection, tmp_path, good, bad)
    assert [row["name"] for row in found["rows"]][:2] == ["STS12", "STS13"]
    average = found["rows"][2]
    assert (average["average"], average["tasks"], average["items"]) == (True, ["STS12", "STS13"], 160)
    assert average["name"].startswith("average over the 2 present")
    values = [row["scores"][0]["value"] for row in found["rows"]]
    assert values[2] == pytest.approx(np.mean(values[:2]))
    assert {made["verdict"] for row in found["rows"] for made in row["comparisons"]} == {"better"}
    assert f"SICKR is left out: not in {bad}" in found["notes"]
    assert (found["family"], found["family_of_encoders"]) == (3, 0)
    assert [arm["fixed"] for arm in found["arms"]] == [True, True]


def test_another_metric(connection: sqlite3.Connection, tmp_path: Path) -> None:
    names = encoder(connection, "one", 0.1), encoder(connection, "other", 0.5)
    found = compared(connection, tmp_path, *names, metric="pearson", tasks=["STS12"])
    (row,) = found["rows"]
    assert row["metric"] == "pearson"
    with pytest.raises(SyncseError, match="None of the tasks has the metric f1") as caught:
        compared(connection, tmp_path, *names, metric="f1")
    assert caught.value.code == ExitCode.NOTHING


def test_a_collapsed_encoder_is_said_to_be_undefined(connection: sqlite3.Connection, tmp_path: Path) -> None:
    found = compared(connection, tmp_path, encoder(connection, "good", 0.1), encoder(connection, "flat", np.inf))
    assert [row["scores"][1]["value"] for row in found["rows"]] == [None, None, None]
    assert {made["verdict"] for row in found["rows"] for made in row["comparisons"]} == {"cannot tell"}
    assert found["family"] == 0


def test_runs_that_changed_after_the_start_are_refused(connection: sqlite3.Connection, tmp_path: Path) -> None:
    one, other = encoder(connection, "one", 0.1), encoder(connection, "other", 0.1)
    connection.execute("UPDATE prediction SET items_sha256 = 'x' WHERE run_id = ?", (other,))
    with pytest.raises(SyncseError, match="STS12 has other items"):
        compared(connection, tmp_path, one, other)


def test_pairs_that_share_a_sentence_count_as_one_item(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """Whichever run says so: an evaluation of an older version does not, and alone with another such is told of."""
    old = [encoder(connection, name, noise, ("STS12",)) for name, noise in (("one", 0.1), ("other", 0.5))]
    new = encoder(connection, "newest", 0.5, ("STS12",), clusters=[float(at // 2) for at in range(80)])
    (row,) = compared(connection, tmp_path, old[0], new)["rows"]
    assert (row["items"], row["independent"]) == (80, 40)
    found = compared(connection, tmp_path, *old)
    assert found["rows"][0]["independent"] == 80
    assert any("do not say which pairs share a sentence" in note for note in found["notes"])


def test_a_calibrations_own_runs_are_counted_once(connection: sqlite3.Connection, tmp_path: Path) -> None:
    names = []
    for seed, noise in enumerate((0.30, 0.33, 0.36, 0.40), start=1):
        trained(connection, f"m{seed:0{seed}}", seed, hardware=describe("cpu"))
        names.append(encoder(connection, f"m{seed:0{seed}}", noise, ("STS12",)))
    base = encoder(connection, "a downloaded one", 0.9, ("STS12",))
    calibrate(connection, names[:3])
    sources = [
        compared(connection, tmp_path, arm, base)["rows"][0]["comparisons"][0]["floor"]["source"]
        for arm in (f"mine={','.join(names[:3])}", f"mine={names[0]},{names[1]}", names[3])
    ]
    assert sources == ["seeds (3)", "seeds (2)", "calibration of 3 runs"]
