"""What `syncse compare` takes: runs by id and name, seeds of an arm; and which runs cannot be compared, and why."""

import sqlite3
from pathlib import Path

import pytest

from syncse_local.compare.arms import parse, recognised
from syncse_local.compare.pairing import pair, shared_tasks
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.hashing import RECORD
from syncse_local.store import predictions, runs
from syncse_local.store.database import connect
from tests.unit.eval_runs import evaluated, trained

SCORES: dict[tuple[str, str], float | None] = {("STSB", "spearman"): 0.6}


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "w.db")


def test_arms_are_named_by_hand_or_by_their_encoder(connection: sqlite3.Connection) -> None:
    a, b, c = (evaluated(connection, name, SCORES) for name in ("x", "y", "z"))
    assert parse(connection, [a, f"mine={b},{c}"]) == [{"name": "x", "runs": [a]}, {"name": "mine", "runs": [b, c]}]
    connection.execute("UPDATE run SET name = 'seed 1' WHERE id = ?", (a,))
    assert parse(connection, ["seed 1"])[0]["runs"] == [a]
    assert parse(connection, [f"a=b={a}"])[0]["name"] == "a=b"


def test_equal_names_get_their_runs_ids(connection: sqlite3.Connection) -> None:
    a = evaluated(connection, "x", SCORES, weights_sha256="1")
    b = evaluated(connection, "x", SCORES, weights_sha256="2")
    assert [arm["name"] for arm in parse(connection, [a, b])] == [f"x ({a})", f"x ({b})"]


def test_an_arm_is_said_to_be_fixed_or_trained_by_any_of_its_names(connection: sqlite3.Connection) -> None:
    a, b, c = (evaluated(connection, name, SCORES) for name in ("x", "y", "z"))
    found = parse(connection, [a, f"mine={b},{c}"], fixed=["x"], trained=["mine"])
    assert [arm["fixed"] for arm in found] == [True, False]
    assert parse(connection, [a, b], trained=[b])[1]["fixed"] is False
    for fixed, made, told in (
        (["mine"], [], "'mine' cannot be fixed: it is several runs"),
        (["x"], [a], "cannot be fixed: it is said to be trained"),
        (["nothing"], [], "No arm is called 'nothing'"),
    ):
        with pytest.raises(SyncseError, match=told) as caught:
            parse(connection, [a, f"mine={b},{c}"], fixed, made)
        assert caught.value.code == ExitCode.USAGE


def test_what_no_training_here_made_is_fixed(connection: sqlite3.Connection, tmp_path: Path) -> None:
    """A downloaded encoder is; one that a run trained here or that brings the record of a training is not, nor several."""
    trained(connection, str(tmp_path / "made"), seed=1)
    brought = tmp_path / "brought"
    brought.mkdir()
    (brought / RECORD).write_text("{}", encoding="utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "made")
    names = [str(tmp_path / name) for name in ("downloaded", "made", "brought", "link")]
    runs_of = [evaluated(connection, name, SCORES) for name in names]
    found = [recognised(connection, arm) for arm in parse(connection, runs_of)]
    assert [arm["fixed"] for arm in found] == [True, False, False, False]
    assert found[0]["why"] == "no training of it is known"
    assert found[1]["why"].startswith("trained here by t")
    assert RECORD in found[2]["why"]
    assert recognised(connection, {"name": "m", "runs": runs_of[:2]}) == {"fixed": False, "why": "2 runs"}
    assert recognised(connection, {"name": "m", "runs": runs_of[:1], "fixed": False}) == {
        "fixed": False,
        "why": "as you say",
    }


def refused(connection: sqlite3.Connection, *texts: str) -> str:
    with pytest.raises(SyncseError) as caught:
        parse(connection, texts)
    assert caught.value.code == ExitCode.USAGE
    return caught.value.detail


def test_what_cannot_be_compared_is_refused(connection: sqlite3.Connection) -> None:
    a, b = evaluated(connection, "x", SCORES), evaluated(connection, "y", SCORES)
    twin = evaluated(connection, "x", SCORES)
    assert "named twice" in refused(connection, a, a)
    assert "named twice" in refused(connection, f"m={a},{b}", b)
    assert "same weights" in refused(connection, f"m={a},{twin}")
    assert "names no run" in refused(connection, "m=")
    assert "names no run" in refused(connection, f"={a}")
    assert "No run is called" in refused(connection, "nothing")
    train = runs.create(connection, "train", {}).id
    assert "is a train run" in refused(connection, train)
    unfinished = runs.create(connection, "eval", {}).id
    assert "is queued" in refused(connection, unfinished)
    connection.execute("DELETE FROM prediction WHERE run_id = ?", (b,))
    assert "no stored predictions" in refused(connection, a, b)


def test_tasks_in_common_and_what_is_left_out(connection: sqlite3.Connection) -> None:
    both: dict[tuple[str, str], float | None] = {("SICKR", "spearman"): 0.6, **SCORES}
    a, b = evaluated(connection, "x", both), evaluated(connection, "y", SCORES)
    assert shared_tasks(connection, [a, b], []) == (["STSB"], [f"SICKR is left out: not in {b}"])
    assert shared_tasks(connection, [a, b], ["sts"])[0] == ["STSB"]
    with pytest.raises(SyncseError, match=f"SICKR was not measured in {b}"):
        shared_tasks(connection, [a, b], ["SICKR"])
    other = evaluated(connection, "z", {("STS12", "spearman"): 0.5})
    with pytest.raises(SyncseError, match="no task in common") as caught:
        shared_tasks(connection, [b, other], [])
    assert caught.value.code == ExitCode.NOTHING
    with pytest.raises(SyncseError, match="Unknown evaluation task"):
        shared_tasks(connection, [a, b], ["STS99"])


def test_other_items_and_other_lengths_are_not_paired(connection: sqlite3.Connection) -> None:
    a, b = evaluated(connection, "x", SCORES), evaluated(connection, "y", SCORES, items="j" * 64)
    found = [predictions.columns(connection, name, "STSB") for name in (a, b)]
    with pytest.raises(SyncseError, match=f"other items in {b} than in {a}"):
        pair("STSB", [a, b], found)
    assert pair("STSB", [a], found[:1]) == (4, "i" * 64)
    short = evaluated(connection, "z", SCORES, columns={"spearman": [0.1], "gold": [1.0]})
    with pytest.raises(SyncseError, match="differ in length"):
        pair("STSB", [a, short], [found[0], predictions.columns(connection, short, "STSB")])


@pytest.mark.parametrize("values", [[0, 1, 255], [0.1, -2.5, 1e-300], [1, 256], [-1, 0], [1.0, 2.0], []])
def test_predictions_come_back_as_they_were(values: list[float]) -> None:
    kind, data = predictions.pack(values)
    assert predictions.unpack(kind, data) == values
    assert (kind == predictions.BYTE) == all(isinstance(v, int) and 0 <= v <= 255 for v in values)
