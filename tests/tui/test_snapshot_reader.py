"""What the reader asks of the store: nothing when nothing has changed, and a run's process is looked for seldom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from syncse_local.api import Workspace
from tui import run_follower, snapshot
from tui.snapshot import SnapshotReader

if TYPE_CHECKING:
    from tests.tui.conftest import Rows


@pytest.fixture
def workspace(rows: Rows) -> Iterator[Workspace]:
    with Workspace(rows.directory) as opened:
        yield opened


def test_an_unchanged_store_is_not_asked_again(rows: Rows, workspace: Workspace) -> None:
    rows.evaluate()
    reader = SnapshotReader()
    first = reader.read(workspace, "", True, False)
    asked: list[str] = []
    workspace.connection.set_trace_callback(asked.append)
    assert reader.read(workspace, "", False, False) == first
    assert asked == []


def test_a_change_reads_the_open_runs_at_once_and_the_list_later(rows: Rows, workspace: Workspace) -> None:
    rows.fill()
    now = [100.0]
    reader = SnapshotReader(lambda: now[0])
    reader.read(workspace, "t0101-bbbbbb", True, False)
    rows.progress("g0101-aaaaaa", done=2000, total=4000)
    rows.add("g0101-ffffff", "generate")
    seen = reader.read(workspace, "t0101-bbbbbb", True, False)
    assert {run.id: run for run in seen.runs}["g0101-aaaaaa"].progress["done"] == 2000
    assert "g0101-ffffff" not in {run.id for run in seen.runs}
    now[0] += snapshot.LIST_SECONDS
    assert "g0101-ffffff" in {run.id for run in reader.read(workspace, "", False, False).runs}


def test_relist_lists_at_once(rows: Rows, workspace: Workspace) -> None:
    rows.evaluate()
    reader = SnapshotReader(lambda: 100.0)
    reader.read(workspace, "", True, False)
    rows.add("g0101-ffffff", "generate")
    reader.relist()
    assert "g0101-ffffff" in {run.id for run in reader.read(workspace, "", True, False).runs}


def test_costly_parts_rest_and_are_caught_up_without_a_new_change(rows: Rows, workspace: Workspace) -> None:
    rows.generate()
    now = [100.0]
    reader = SnapshotReader(lambda: now[0])
    assert _failures(reader, workspace, True) == {"refusal": 1}
    rows.connection.execute("DELETE FROM decision WHERE verdict = 'reject'")
    assert _failures(reader, workspace, True) == {"refusal": 1}
    now[0] += run_follower.SLOW_SECONDS
    assert _failures(reader, workspace, False) == {}


def _failures(reader: SnapshotReader, workspace: Workspace, changed: bool) -> dict[str, int]:
    detail = reader.read(workspace, "", changed, False).detail
    assert detail is not None
    return detail.failures


def test_events_are_read_once_each(rows: Rows, workspace: Workspace) -> None:
    rows.generate()
    reader = SnapshotReader()
    for number in range(3):
        rows.event("g0101-aaaaaa", "warning", text=str(number))
        snapshot = reader.read(workspace, "", True, False)
    assert snapshot.detail is not None
    assert [e["data"]["text"] for e in snapshot.detail.events if e["kind"] == "warning"] == ["0", "1", "2"]


def test_of_very_many_events_the_newest_are_read(rows: Rows, workspace: Workspace) -> None:
    rows.add("t0101-eeeeee", "train")
    for number in range(run_follower.AT_ONCE + 20):
        rows.event("t0101-eeeeee", "warning", text=str(number))
    assert len(workspace.events("t0101-eeeeee")) > run_follower.AT_ONCE
    detail = SnapshotReader().read(workspace, "", True, False).detail
    assert detail is not None
    assert [event["data"]["text"] for event in detail.events][-2:] == [f"{run_follower.AT_ONCE + n}" for n in (18, 19)]


def test_a_run_without_an_eta_of_its_own_gets_one_from_its_pace(rows: Rows, workspace: Workspace) -> None:
    now = [100.0]
    rows.add("t0101-eeeeee", "train")
    reader = SnapshotReader(lambda: now[0])
    rows.progress("t0101-eeeeee", done=100, total=400)
    assert _eta(reader, workspace) is None
    rows.progress("t0101-eeeeee", done=200, total=400)
    now[0] = 110.0
    assert _eta(reader, workspace) == pytest.approx(20.0)
    rows.progress("t0101-eeeeee", done=200, total=400, eta=7.5)
    assert _eta(reader, workspace) == 7.5


def _eta(reader: SnapshotReader, workspace: Workspace) -> float | None:
    detail = reader.read(workspace, "", True, False).detail
    assert detail is not None
    return detail.eta


def test_the_log_is_read_from_its_end(rows: Rows, workspace: Workspace) -> None:
    rows.generate()
    path = workspace.log_path("g0101-aaaaaa")
    assert run_follower.tail(path) == ()
    path.write_text("first\n" + "middle\n" * 10_000 + "last\n")
    lines = run_follower.tail(path)
    assert lines[-1] == "last"
    assert set(lines[:-1]) == {"middle"}
    assert len(lines) * len("middle\n") <= run_follower.LOG_BYTES


def test_an_interval_reaches_to_what_the_run_says_itself(rows: Rows, workspace: Workspace) -> None:
    clock = iter(range(0, 3000, 4))
    follower = run_follower.RunFollower("t0101-eeeeee", clock=lambda: float(next(clock)))
    rows.add("t0101-eeeeee", "train", state="running")
    for done in range(10, 200, 10):
        rows.progress("t0101-eeeeee", done=done, total=400, eta=1.0)
        detail = follower.read(workspace, workspace.run("t0101-eeeeee"), changed=False, log=False)
    assert detail.interval is not None
    assert detail.interval[0] == detail.eta == 1.0
    assert detail.interval[1] > 10
