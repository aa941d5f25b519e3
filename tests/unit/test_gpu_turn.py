"""Who needs a GPU, whose turn it is, and the rows about it; also what an older workspace keeps."""

import sqlite3
from pathlib import Path

import pytest

from syncse_local import machine
from syncse_local.jobs import gpu_queue
from syncse_local.machine import Gpu
from syncse_local.store import database, gpu_lock, runs

GPU = [Gpu(0, "a GPU", None, None)]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def _generate(backend: str, layers: int = 0) -> dict[str, object]:
    return {"backend": backend, "backend_options": {"n_gpu_layers": layers}}


@pytest.mark.parametrize(
    ("kind", "options", "with_gpu", "without"),
    [
        ("generate", _generate("llamacpp"), False, False),
        ("generate", _generate("llamacpp", -1), True, True),
        ("generate", _generate("llamacpp", 4), True, True),
        ("generate", _generate("vllm"), True, False),
        ("generate", _generate("openai_compat", -1), False, False),
        ("generate", {}, False, False),
        ("train", {"training": {"device": "cuda"}}, True, True),
        ("train", {"training": {"device": "cpu"}}, False, False),
        ("train", {"training": {"device": "auto"}}, True, False),
        ("train", {"training": {}}, True, False),
        ("eval", {"device": "auto"}, True, False),
        ("eval", {"device": "mps"}, True, True),
        ("generate", {"backend": "of another version"}, False, False),
        ("filter", {"device": "cpu", "filters": {"judge": {"model": "m", "backend": "vllm"}}}, True, False),
        ("filter", {"device": "cpu", "filters": {"judge": {"model": "", "backend": "vllm"}}}, False, False),
    ],
)
def test_the_options_decide_who_needs_a_gpu(
    kind: str, options: dict[str, object], with_gpu: bool, without: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_queue, "_is_apple", lambda: False)
    assert gpu_queue.needs_gpu(kind, options, GPU) is with_gpu
    assert gpu_queue.needs_gpu(kind, options, []) is without


def test_a_run_takes_every_gpu_it_may_see(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(machine.PRETEND, "2:9:9,0:9:9")
    assert gpu_queue.devices_for("generate", _generate("llamacpp", -1)) == (0, 2)
    assert gpu_queue.devices_for("generate", _generate("llamacpp")) == ()
    monkeypatch.setenv(machine.PRETEND, "")
    assert gpu_queue.devices_for("generate", _generate("llamacpp", -1)) == (0,)


def _run(folder: Path) -> tuple[sqlite3.Connection, str]:
    connection = database.connect(folder / "syncse.db")
    return connection, runs.create(connection, "generate", {}).id


def test_a_second_turn_waits_and_gives_up_holding_nothing(tmp_path: Path) -> None:
    one, first = _run(tmp_path / "a")
    two, second = _run(tmp_path / "b")
    holding = gpu_queue.Turn(first, tmp_path / "a", (1,))
    assert holding.wait(one, pytest.fail, lambda: False)
    assert gpu_lock.holders(one)[0]["run_id"] == first
    said: list[str] = []
    waiting = gpu_queue.Turn(second, tmp_path / "b", (0, 1))
    assert not waiting.wait(two, said.append, lambda: True)
    assert said == [f"waiting for the GPU (held by run {first} of {tmp_path / 'a'})"]
    assert gpu_queue.holder(0) is None
    holding.end(one)
    assert (gpu_queue.holder(1), gpu_lock.holders(one)) == (None, [])
    assert waiting.wait(two, pytest.fail, lambda: False)
    assert (gpu_queue.holder(1) or {})["run"] == second
    waiting.end(two)


def test_what_a_dead_holder_left_is_taken_over(tmp_path: Path) -> None:
    connection, dead = _run(tmp_path)
    gpu_lock.hold(connection, (0,), dead, 999_999)
    gpu_queue.lock_path(0).parent.mkdir(parents=True)
    gpu_queue.lock_path(0).write_text('{"run": "dead"', encoding="utf-8")
    assert gpu_queue.holder(0) is None
    alive = runs.create(connection, "train", {}).id
    turn = gpu_queue.Turn(alive, tmp_path, (0,))
    assert turn.wait(connection, pytest.fail, lambda: False)
    assert [row["run_id"] for row in gpu_lock.holders(connection)] == [alive]
    gpu_lock.release(connection, dead)
    assert len(gpu_lock.holders(connection)) == 1
    turn.end(connection)


@pytest.mark.parametrize("note", [b"", b"\xff", b"[1]", b'{"run": 3}', b"[" * 9000])
def test_a_note_that_cannot_be_read_still_means_held(tmp_path: Path, note: bytes) -> None:
    connection, run = _run(tmp_path)
    holding = gpu_queue.Turn(run, tmp_path, (0,))
    assert holding.wait(connection, pytest.fail, lambda: False)
    gpu_queue.lock_path(0).write_bytes(note)
    said: list[str] = []
    assert not gpu_queue.Turn("x", tmp_path, (0,)).wait(connection, said.append, lambda: True)
    assert said == ["waiting for the GPU (held by another run)"]
    holding.end(connection)


def test_a_run_without_a_gpu_takes_no_turn(tmp_path: Path) -> None:
    connection, run = _run(tmp_path)
    turn = gpu_queue.Turn(run, tmp_path, ())
    assert turn.wait(connection, pytest.fail, lambda: True)
    turn.end(connection)
    assert not gpu_queue.lock_path(0).parent.exists()


def test_an_older_workspace_keeps_its_runs_and_can_hold_a_gpu(tmp_path: Path) -> None:
    path = tmp_path / "syncse.db"
    old = sqlite3.connect(path, isolation_level=None)
    database.migrate(old, 1)
    old.execute("INSERT INTO run (id, kind, options, created, queued) VALUES ('g1', 'generate', '{}', 1, 1)")
    old.close()
    connection = database.connect(path)
    assert runs.get(connection, "g1").created == 1
    gpu_lock.hold(connection, (0, 1), "g1", 7)
    assert [row["device"] for row in gpu_lock.holders(connection)] == [0, 1]
