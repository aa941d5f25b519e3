"""Noise floors from runs made by hand: what is stored, what is refused, which calibration a comparison takes."""

import sqlite3
from pathlib import Path
from statistics import stdev
from typing import Any

import pytest

from syncse_local.compare.calibration import calibrate
from syncse_local.compare.host import here, line
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store import calibrations
from syncse_local.store.database import connect
from tests.unit.eval_runs import HARDWARE, evaluated, trained

VALUES = (0.61, 0.63, 0.62)


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "w.db")


def seeds(connection: sqlite3.Connection, **changes: Any) -> list[str]:
    """Eval runs of three seeds of one recipe; `changes` are of the last one's training."""
    found = []
    for seed, value in enumerate(VALUES, start=1):
        trained(connection, f"m{seed}", seed, **(changes if seed == len(VALUES) else {}))
        scores = {("STSB", "spearman"): value, ("STSB", "pearson"): 0.5, ("STS12", "spearman"): None}
        found.append(evaluated(connection, f"m{seed}", scores))
    return found


def test_the_spread_of_the_main_metric_is_stored_with_where_it_comes_from(connection: sqlite3.Connection) -> None:
    names = seeds(connection)
    made = calibrate(connection, names)
    assert made["floors"] == {
        "STSB": {
            "metric": "spearman",
            "items_sha256": "i" * 64,
            "values": list(VALUES),
            "mean": pytest.approx(0.62),
            "sd": pytest.approx(stdev(VALUES)),
        }
    }
    assert (made["runs"], made["seeds"], made["options"]) == (names, [1, 2, 3], {"epochs": 3})
    assert (made["machine"], made["encoder"], made["data"]) == (line(HARDWARE), "base", "human.csv")
    again = calibrate(connection, names)
    assert [found["id"] for found in calibrations.listed(connection)] == [again["id"]]


def test_one_run_has_no_spread(connection: sqlite3.Connection) -> None:
    with pytest.raises(SyncseError, match="One run has no spread"):
        calibrate(connection, seeds(connection)[:1])


def test_encoders_that_were_not_trained_here_are_refused(connection: sqlite3.Connection) -> None:
    names = [evaluated(connection, name, {("STSB", "spearman"): 0.6}) for name in ("found", "other")]
    with pytest.raises(SyncseError, match="not trained in this workspace") as caught:
        calibrate(connection, names)
    assert caught.value.code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training": {"seed": 3, "epochs": 4}}, "epochs"),
        ({"data": [{"kind": "file", "path": "other.csv", "sha256": "e" * 64}]}, "data"),
        ({"encoder": {"path": "base", "sha256": "c" * 64}}, "encoder"),
        ({"hardware": {**HARDWARE, "cores": 64}}, "machine"),
    ],
)
def test_a_spread_over_more_than_the_seed_is_no_floor(
    connection: sqlite3.Connection, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(SyncseError, match=f"differ in more than the seed: {said}\\.") as caught:
        calibrate(connection, seeds(connection, **changes))
    assert caught.value.code == ExitCode.USAGE


def test_one_encoder_measured_twice_is_no_second_seed(connection: sqlite3.Connection) -> None:
    first, *_ = seeds(connection)
    again = evaluated(connection, "m1", {("STSB", "spearman"): 0.61})
    with pytest.raises(SyncseError, match="same weights"):
        calibrate(connection, [first, again])


def test_without_a_task_in_common_there_is_nothing(connection: sqlite3.Connection) -> None:
    first, *_ = seeds(connection)
    trained(connection, "m4", 4)
    other = evaluated(connection, "m4", {("STSB", "spearman"): 0.61}, items="j" * 64)
    with pytest.raises(SyncseError, match="No task was scored by all") as caught:
        calibrate(connection, [first, other])
    assert caught.value.code == ExitCode.NOTHING


def test_a_comparison_takes_this_machines_newest_floor_for_its_items(connection: sqlite3.Connection) -> None:
    names = seeds(connection)
    calibrate(connection, names)
    newer = calibrate(connection, names[:2])
    there = (line(HARDWARE),)
    found = calibrations.of_machine(connection, there, {"STSB": "i" * 64, "SICKR": "k" * 64})
    assert found is not None
    assert found["id"] == newer["id"]
    assert calibrations.of_machine(connection, there, {"STSB": "j" * 64}) is None
    assert calibrations.of_machine(connection, ("Another CPU, 2 cores, no GPU",), {"STSB": "i" * 64}) is None
    assert here() == here()
    assert all("cores" in each for each in here())
