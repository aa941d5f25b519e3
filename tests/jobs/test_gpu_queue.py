"""One GPU run at a time, with real supervisors and workers and a GPU that is only described: queueing, cancelling, kill -9."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from syncse_local import machine, paths
from syncse_local.api import OPEN, Run, Workspace
from syncse_local.errors import ExitCode
from syncse_local.jobs import gpu_queue
from syncse_local.paths import user_number
from syncse_local.store.database import connect
from syncse_local.synthesis.recipe import load_pools, load_recipe
from tests.conftest import Cli
from tests.jobs.helpers import PATIENCE, process_of, wait


@pytest.fixture(autouse=True)
def one_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU by description, and a state directory of the test's own."""
    monkeypatch.setenv(machine.PRETEND, "0:24576:20000")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path / "w") as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Workspace]:
    """A second workspace on the same machine."""
    with Workspace(tmp_path / "other") as opened:
        yield opened


def _options(limit: int = 8, layers: int = -1, **changes: object) -> dict[str, object]:
    recipe = load_recipe("starter")
    return {
        "recipe": recipe.to_dict(),
        "pools_hash": load_pools(recipe).hash,
        "backend": "llamacpp",
        "model": str(paths.starter_llm()),
        "backend_options": {"threads": 1, "n_gpu_layers": layers},
        "input": str(paths.starter_sentences()),
        "limit": limit,
        **changes,
    }


def _until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _waits_for(workspace: Workspace, run: Run) -> list[str]:
    return [event["data"]["text"] for event in workspace.events(run.id) if event["kind"] == "waiting"]


class Holder:
    """The test itself as a run that has the GPU, in a workspace that is not looked at."""

    def __init__(self, folder: Path) -> None:
        self.connection = connect(folder / "syncse.db")
        self.connection.execute("PRAGMA foreign_keys = OFF")
        self.turn = gpu_queue.Turn("held-by-test", folder, (0,))
        assert self.turn.wait(self.connection, print, lambda: False)

    def release(self) -> None:
        self.turn.end(self.connection)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    made = Holder(tmp_path / "held")
    yield made
    made.release()


def test_a_run_waits_as_queued_and_says_for_whom(workspace: Workspace, holder: Holder) -> None:
    run = workspace.start("generate", _options())
    _until(lambda: bool(_waits_for(workspace, run)))
    assert "held by run held-by-test of " in _waits_for(workspace, run)[0]
    assert workspace.run(run.id).state == "queued"
    assert workspace.alive(run.id)
    assert process_of("worker", run.id) == []
    holder.release()
    ended = wait(workspace, run.id)
    assert ended.state == "done", ended.error
    assert len(_waits_for(workspace, run)) == 1
    _until(lambda: gpu_queue.holder(0) is None)
    _until(lambda: workspace.gpu_holders() == [])


def test_a_waiting_run_is_cancelled_at_once(workspace: Workspace, holder: Holder) -> None:
    run = workspace.start("generate", _options())
    _until(lambda: bool(_waits_for(workspace, run)))
    assert workspace.cancel(run.id) == 1
    ended = wait(workspace, run.id)
    assert (ended.state, ended.started) == ("cancelled", None)
    _until(lambda: not workspace.alive(run.id))
    workspace.resume(run.id)
    _until(lambda: len(_waits_for(workspace, run)) == 2)
    holder.release()
    assert wait(workspace, run.id).state == "done"


def test_a_run_on_the_cpu_waits_for_nobody(workspace: Workspace, holder: Holder) -> None:
    run = wait(workspace, workspace.start("generate", _options(layers=0)).id)
    assert run.state == "done", run.error
    assert _waits_for(workspace, run) == []


def test_runs_of_two_workspaces_take_turns(workspace: Workspace, other: Workspace) -> None:
    first, second = workspace.start("generate", _options(200)), other.start("generate", _options(200))
    ended = [wait(workspace, first.id), wait(other, second.id)]
    assert [run.state for run in ended] == ["done", "done"]
    spans = sorted((run.started or 0.0, run.ended or 0.0) for run in ended)
    assert spans[0][1] <= spans[1][0]


@pytest.mark.parametrize("whom", [("supervise", "worker"), ("worker",)], ids=["both", "worker"])
def test_a_killed_holder_lets_the_next_run_go_on(workspace: Workspace, whom: tuple[str, ...]) -> None:
    first = workspace.start("generate", _options(3000))
    _until(lambda: workspace.counts(first.id)["answered"] > 0)
    (row,) = workspace.gpu_holders()
    assert (row["device"], row["run_id"]) == (0, first.id)
    assert [row["pid"]] == process_of("supervise", first.id)
    second = workspace.start("generate", _options())
    _until(lambda: bool(_waits_for(workspace, second)))
    assert _waits_for(workspace, second) == [f"waiting for the GPU (held by run {first.id})"]
    for module in whom:
        for pid in process_of(module, first.id):
            os.kill(pid, signal.SIGKILL)
    assert wait(workspace, second.id).state == "done"
    assert wait(workspace, first.id).state in ("failed", "lost")
    _until(lambda: workspace.connection.execute("SELECT count(*) FROM gpu_lock").fetchone()[0] == 0)


def test_a_worker_whose_supervisor_died_keeps_the_gpu(workspace: Workspace) -> None:
    first = workspace.start("generate", _options(3000))
    _until(lambda: workspace.counts(first.id)["answered"] > 0)
    for pid in process_of("supervise", first.id):
        os.kill(pid, signal.SIGKILL)
    second = workspace.start("generate", _options())
    _until(lambda: bool(_waits_for(workspace, second)))
    assert workspace.run(first.id).state == "running"
    workspace.cancel(first.id)
    assert wait(workspace, first.id).state == "cancelled"
    assert wait(workspace, second.id).state == "done"


def test_a_model_that_will_not_fit_is_refused_before_it_is_loaded(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(machine.PRETEND, "0:24576:1")
    run = wait(workspace, workspace.start("generate", _options()).id)
    assert run.state == "failed"
    assert run.error is not None
    assert run.error["code"] == ExitCode.PREFLIGHT
    assert "KV cache" in run.error["detail"]
    assert "GiB are free in GPU memory" in run.error["detail"]
    assert "--force" in run.error["hint"]
    assert "engine" not in [event["kind"] for event in workspace.events(run.id)]
    forced = wait(workspace, workspace.start("generate", _options(force=True)).id)
    assert forced.state == "done", forced.error


def test_the_lock_cannot_be_written(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no directory", encoding="utf-8")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where it would go else
    (tmp_path / f"syncse-local-{user_number()}").write_text("no directory", encoding="utf-8")
    run = wait(workspace, workspace.start("generate", _options()).id)
    assert run.error is not None
    assert "XDG_STATE_HOME" in run.error["hint"]


def test_the_command_line_refuses_before_there_is_a_run(cli: Cli, sentences: Path) -> None:
    tight: dict[str, Any] = {machine.PRETEND: "0:24576:1"}
    done = cli("generate", str(sentences), "--n-gpu-layers", "-1", **tight)
    assert done.returncode == ExitCode.PREFLIGHT
    assert "weights" in done.stderr
    assert not (cli.workspace / "syncse.db").exists()
    assert cli("generate", str(sentences), "--n-gpu-layers", "-1", "--force", **tight).returncode == 0


def test_no_training_where_the_gpu_is_too_small(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "t.csv"
    data.write_text("sent0,sent1,hard_neg\na b,b a,c d\nc d,d c,a b\n", encoding="utf-8")
    done = cli("train", "--data", str(data), "--device", "cuda", **{machine.PRETEND: "0:24576:100"})
    assert done.returncode == ExitCode.PREFLIGHT
    assert "AdamW" in done.stderr


@pytest.mark.slow
def test_the_whole_job_hands_the_gpu_on(cli: Cli) -> None:
    done = cli("run", "--limit", "60", "--epochs", "1", "--n-gpu-layers", "-1")
    assert done.returncode == 0, done.stderr
    with Workspace(cli.workspace) as opened:
        runs = sorted(opened.runs(), key=lambda run: run.started or 0.0)
        assert [run.kind for run in runs] == ["eval", "generate", "train", "eval"]
        assert all((a.ended or 0.0) <= (b.started or 0.0) for a, b in pairwise(runs))
        assert all(run.state not in OPEN for run in runs)
        _until(lambda: opened.gpu_holders() == [])
