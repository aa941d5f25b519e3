"""What the reader asks of the store: nothing when nothing has changed, and a run's process is looked for seldom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from syncse_local.api import Workspace
from tui import following, reading
from tui.reading import Reader

if TYPE_CHECKING:
    from tests.tui.conftest import Rows


@pytest.fixture
def workspace(rows: Rows) -> Iterator[Workspace]:
    with Workspace(rows.directory) as opened:
        yield opened


def test_an_unchanged_store_is_not_asked_again(rows: Rows, workspace: Workspace) -> None:
    rows.evaluate()
    reader = Reader()
    first = reader.read(workspace, "", True, False)
    asked: list[str] = []
    workspace.connection.set_trace_callback(asked.append)
    assert reader.read(workspace, "", False, False) == first
    assert asked == []


def test_a_change_reads_the_open_runs_and_not_the_list(
    rows: Rows, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LIST_SECONDS", 1e9)
    rows.fill()
    reader = Reader()
    reader.read(workspace, "t0101-bbbbbb", True, False)
    rows.progress("g0101-aaaaaa", done=2000, total=4000)
    rows.add("g0101-ffffff", "generate")
    view = reader.read(workspace, "t0101-bbbbbb", True, False)
    assert {run.id: run for run in view.runs}["g0101-aaaaaa"].progress["done"] == 2000
    assert "g0101-ffffff" not in {run.id for run in view.runs}
    reader.hurry()
    assert "g0101-ffffff" in {run.id for run in reader.read(workspace, "", True, False).runs}


def test_costly_parts_rest_and_are_caught_up_without_a_new_change(
    rows: Rows, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SLOW_SECONDS", 1e9)
    rows.generate()
    reader = Reader()
    reader.read(workspace, "", True, False)
    rows.answers("g0101-aaaaaa", "x", "y", "z")
    again = reader.read(workspace, "", True, False)
    assert again.detail is not None
    assert again.detail.failures == {"refusal": 1}
    monkeypatch.setattr(following, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(following, "REST", 0)
    fresh = Reader()
    fresh.read(workspace, "", True, False)
    rows.connection.execute("DELETE FROM decision WHERE verdict = 'reject'")
    assert _failures(fresh, workspace, True) == {}


def _failures(reader: Reader, workspace: Workspace, changed: bool) -> dict[str, int]:
    detail = reader.read(workspace, "", changed, False).detail
    assert detail is not None
    return detail.failures


def test_events_are_read_once_each(rows: Rows, workspace: Workspace) -> None:
    rows.generate()
    reader = Reader()
    for number in range(3):
        rows.event("g0101-aaaaaa", "warning", text=str(number))
        view = reader.read(workspace, "", True, False)
    assert view.detail is not None
    assert [e["data"]["text"] for e in view.detail.events if e["kind"] == "warning"] == ["0", "1", "2"]


def test_a_run_without_an_eta_of_its_own_gets_one_from_its_pace(
    rows: Rows, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter([100.0, 110.0])
    rows.add("t0101-eeeeee", "train")
    follower = following.Follower("t0101-eeeeee")
    monkeypatch.setattr(following.time, "monotonic", lambda: next(now))
    rows.progress("t0101-eeeeee", done=100, total=400)
    assert follower._eta(rows.state("t0101-eeeeee")) is None
    rows.progress("t0101-eeeeee", done=200, total=400)
    assert follower._eta(rows.state("t0101-eeeeee")) == pytest.approx(20.0)


def test_the_log_is_read_from_its_end(rows: Rows, workspace: Workspace) -> None:
    rows.generate()
    path = workspace.log_path("g0101-aaaaaa")
    assert following.tail(path) == ()
    path.write_text("first\n" + "middle\n" * 10_000 + "last\n")
    lines = following.tail(path)
    assert lines[-1] == "last"
    assert set(lines[:-1]) == {"middle"}
    assert len(lines) * len("middle\n") <= following.LOG_BYTES
