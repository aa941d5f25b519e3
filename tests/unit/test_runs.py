"""Runs: states move by compare-and-set, the cancel ladder counts up, events and curves come back in order."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from syncse_local.api import Workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store import runs
from syncse_local.store.database import connect


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "w.db")


def test_a_state_moves_once(connection: sqlite3.Connection) -> None:
    run = runs.create(connection, "train", {"a": 1}, "mine")
    assert runs.move(connection, run.id, "queued", "running")
    assert not runs.move(connection, run.id, "queued", "running")
    assert runs.finish(connection, run.id, "done", value=3)
    assert not runs.finish(connection, run.id, "failed")
    found = runs.get(connection, run.id)
    assert (found.state, found.options, found.result, found.name) == ("done", {"a": 1}, {"value": 3}, "mine")
    assert [e["data"]["state"] for e in runs.events(connection, run.id)] == ["running", "done"]


def test_resuming_clears_the_cancel_flag_and_the_error(connection: sqlite3.Connection) -> None:
    run = runs.create(connection, "train", {})
    runs.move(connection, run.id, "queued", "running")
    assert [runs.request_cancel(connection, run.id) for _ in range(4)] == [1, 2, 3, 3]
    runs.finish(connection, run.id, "cancelled", SyncseError("T", "d", "h"))
    assert runs.get(connection, run.id).error == {"title": "T", "detail": "d", "hint": "h", "code": 1}
    assert runs.move(connection, run.id, runs.RESUMABLE, "queued")
    again = runs.get(connection, run.id)
    assert (again.cancel, again.error, again.state) == (0, None, "queued")


def test_a_run_is_found_by_its_beginning(connection: sqlite3.Connection) -> None:
    run = runs.create(connection, "eval", {})
    assert runs.get(connection, run.id[:8]).id == run.id
    runs.create(connection, "eval", {})
    for name in ("e", "nothing", "%", "_"):
        with pytest.raises(SyncseError) as caught:
            runs.get(connection, name)
        assert caught.value.code == ExitCode.USAGE


def test_a_resumed_step_replaces_its_point(connection: sqlite3.Connection) -> None:
    run = runs.create(connection, "train", {})
    runs.add_metrics(connection, run.id, [("loss", 1, 3.0), ("loss", 2, 2.0), ("dev", 2, 0.5)])
    runs.add_metrics(connection, run.id, [("loss", 2, 1.5)])
    assert runs.metrics(connection, run.id, "loss") == [(1, 3.0), (2, 1.5)]


def test_a_workspace_that_was_removed_is_said_to_be_gone(tmp_path: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        runs.create(workspace.connection, "eval", {})
        shutil.rmtree(tmp_path / "w")
        with pytest.raises(SyncseError, match="is not any more"):
            workspace.runs()
    assert not (tmp_path / "w").exists()
