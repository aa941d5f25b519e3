"""Generation with the real starter LLM as a job: the plan, the ledger, cancel, kill -9 and resume."""

import csv
import json
import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from syncse_local import paths
from syncse_local.api import OPEN, Workspace
from syncse_local.errors import ExitCode
from syncse_local.synthesis.recipe import load_pools, load_recipe
from tests.jobs.helpers import PATIENCE, process_of, wait

KILLS = int(os.environ.get("SYNCSE_KILLS", "20"))


def _options(source: Path, model: Path | None = None, **changes: object) -> dict[str, object]:
    recipe = load_recipe("starter")
    return {
        "recipe": recipe.to_dict(),
        "pools_hash": load_pools(recipe).hash,
        "backend": "llamacpp",
        "model": str(model or paths.starter_llm()),
        "backend_options": {"threads": 1},
        "input": str(source),
        **changes,
    }


def _plan(workspace: Workspace, run_id: str) -> list[tuple[object, ...]]:
    rows = workspace.connection.execute(
        """SELECT p.ordinal, p.role, p.sample, r.key, r.prompt_id, r.context_id, r.turn, r.seed
           FROM plan AS p JOIN request AS r ON r.id = p.request_id WHERE p.run_id = ? ORDER BY p.ordinal""",
        (run_id,),
    )
    return [tuple(row) for row in rows]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w")


def test_a_run_answers_every_request_once(workspace: Workspace, sentences: Path) -> None:
    run = wait(workspace, workspace.start("generate", _options(sentences)).id)
    assert run.error is None
    assert run.state == "done"
    counts = workspace.counts(run.id)
    assert (counts["planned"], counts["answered"]) == (80, 80)
    assert run.result["triplets"] == len(list(workspace.triplets([run.id]))) > 5
    kinds = [event["kind"] for event in workspace.events(run.id)]
    assert kinds[0] == "state"
    assert {"mapping", "planned", "engine"} <= set(kinds)


def test_the_same_run_again_asks_the_engine_nothing(workspace: Workspace, sentences: Path) -> None:
    first = wait(workspace, workspace.start("generate", _options(sentences)).id)
    responses = workspace.connection.execute("SELECT count(*) FROM response").fetchone()[0]
    second = wait(workspace, workspace.start("generate", _options(sentences)).id)
    assert second.result == first.result
    assert workspace.connection.execute("SELECT count(*) FROM response").fetchone()[0] == responses
    assert _plan(workspace, first.id) == _plan(workspace, second.id)


def test_a_cancelled_run_keeps_what_it_has_and_goes_on(workspace: Workspace, tmp_path: Path) -> None:
    run = workspace.start("generate", _options(paths.starter_sentences(), limit=400))
    while workspace.counts(run.id)["answered"] == 0 and workspace.run(run.id).state in OPEN:
        time.sleep(0.05)
    assert workspace.cancel(run.id) == 1
    ended = wait(workspace, run.id)
    assert ended.state == "cancelled"
    kept = workspace.counts(run.id)["answered"]
    assert 0 < kept < 800
    workspace.resume(run.id)
    assert wait(workspace, run.id).state == "done"
    assert workspace.counts(run.id)["answered"] == 800


def _answers(workspace: Workspace) -> dict[str, str]:
    """Every stored answer by its request's key."""
    rows = workspace.connection.execute(
        "SELECT r.key, a.text FROM response AS a JOIN request AS r ON r.id = a.request_id"
    )
    return dict(map(tuple, rows))


def _kill_somewhere(workspace: Workspace, run_id: str, rng: random.Random) -> bool:
    """Kill -9 the run's worker at a random moment: while it starts, or some answers later. False where it ended before."""
    while not (pids := process_of("worker", run_id)):
        if workspace.run(run_id).state not in OPEN:
            return False
        time.sleep(0.01)
    target = workspace.counts(run_id)["answered"] + rng.randint(1, 25)
    deadline = time.monotonic() + (rng.random() if rng.random() < 0.4 else PATIENCE)
    while time.monotonic() < deadline and workspace.counts(run_id)["answered"] < target:
        if workspace.run(run_id).state not in OPEN:
            return False
        time.sleep(0.01)
    with suppress(ProcessLookupError):
        os.kill(pids[0], signal.SIGKILL)
    return wait(workspace, run_id).state == "failed"


@pytest.mark.slow
def test_killed_generation_loses_nothing_and_repeats_nothing(workspace: Workspace, tmp_path: Path) -> None:
    """SYNCSE_KILLS=50 kills more often than the regular run has time for."""
    options = _options(paths.starter_sentences(), limit=600)
    rng, kills, kept = random.Random(7), 0, dict[str, str]()
    run = workspace.start("generate", options)
    while kills < KILLS and _kill_somewhere(workspace, run.id, rng):
        kills += 1
        error = workspace.run(run.id).error
        assert error is not None
        assert "SIGKILL" in error["detail"]
        now = _answers(workspace)
        assert kept.items() <= now.items(), "an answer was lost or written again"
        kept = now
        workspace.resume(run.id)
    assert kills >= KILLS / 2
    assert wait(workspace, run.id).state == "done"
    assert kept.items() <= _answers(workspace).items()
    answered = "SELECT count(*), count(DISTINCT request_id) FROM response"
    assert tuple(workspace.connection.execute(answered).fetchone()) == (1200, 1200)
    assert workspace.connection.execute("SELECT count(*) FROM decision").fetchone()[0] == 1200

    straight = Workspace(tmp_path / "straight")
    reference = straight.start("generate", options)
    assert wait(straight, reference.id).state == "done"
    assert _plan(workspace, run.id) == _plan(straight, reference.id)
    assert _answers(workspace).keys() == _answers(straight).keys()
    rows = _exported(workspace, run.id, tmp_path / "killed.jsonl")
    assert [_planned(row) for row in rows] == [
        _planned(row) for row in _exported(straight, reference.id, tmp_path / "straight.jsonl")
    ]
    assert 2 * len(rows) == straight.counts(reference.id)["planned"] == 1200
    assert len({row["sentence_key"] for row in rows}) == len({row["positive_request"] for row in rows}) == len(rows)
    training_view = _exported(workspace, run.id, tmp_path / "killed.csv")
    assert len(training_view) == workspace.counts(run.id)["triplets"]


def _exported(workspace: Workspace, run_id: str, path: Path) -> list[dict[str, object]]:
    """What `syncse export` writes: every column of every row as JSONL, the accepted triplets as CSV."""
    full = ["--full"] if path.suffix == ".jsonl" else []
    workspace.command(["export", run_id, str(path), "--unfiltered", *full])
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file)) if path.suffix == ".csv" else [json.loads(line) for line in file]


def _planned(row: dict[str, object]) -> list[object]:
    """What of an exported row the plan decides."""
    halves = [f"{half}_{what}" for half in ("positive", "negative") for what in ("request", "prompt", "context")]
    return [row[name] for name in ("ordinal", "sample", "sentence_key", "sentence", *halves)]


def test_a_dead_supervisor_and_worker_leave_a_lost_run_that_resumes(workspace: Workspace) -> None:
    run = workspace.start("generate", _options(paths.starter_sentences(), limit=300))
    while not process_of("worker", run.id):
        assert workspace.run(run.id).state in OPEN
        time.sleep(0.02)
    for module in ("supervise", "worker"):
        for pid in process_of(module, run.id):
            os.kill(pid, signal.SIGKILL)
    assert wait(workspace, run.id).state == "lost"
    workspace.resume(run.id)
    assert wait(workspace, run.id).state == "done"
    assert workspace.counts(run.id)["answered"] == 600


def test_a_worker_outlives_its_supervisor(workspace: Workspace, sentences: Path) -> None:
    run = workspace.start("generate", _options(sentences))
    while not process_of("worker", run.id):
        assert workspace.run(run.id).state in OPEN
        time.sleep(0.02)
    for pid in process_of("supervise", run.id):
        os.kill(pid, signal.SIGKILL)
    assert wait(workspace, run.id).state == "done"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crashed_worker_is_a_failed_run_that_says_so(
    workspace: Workspace, sentences: Path, number: signal.Signals
) -> None:
    run = workspace.start("generate", _options(sentences, limit=0))
    while not (pids := process_of("worker", run.id)):
        time.sleep(0.02)
    os.kill(pids[0], number)
    ended = wait(workspace, run.id)
    assert ended.state == "failed"
    assert ended.error is not None
    assert number.name in ended.error["detail"]


def test_edited_pools_are_not_mixed_into_a_run(workspace: Workspace, sentences: Path) -> None:
    run = wait(workspace, workspace.start("generate", {**_options(sentences), "pools_hash": "another"}).id)
    assert run.state == "failed"
    assert run.error is not None
    assert run.error["code"] == ExitCode.PREFLIGHT
    assert workspace.counts(run.id)["planned"] == 0


def test_scratch_writes_its_own_sentences(workspace: Workspace) -> None:
    recipe = load_recipe("starter-scratch")
    plan = {**_options(Path(), pools_hash=load_pools(recipe).hash), "recipe": recipe.to_dict(), "count": 25}
    del plan["input"]
    run = wait(workspace, workspace.start("generate", plan).id)
    assert run.error is None
    rows = list(workspace.triplets([run.id], accepted_only=False))
    assert len(rows) == 25
    assert {row["source"] for row in rows} == {"scratch"}
    genres = workspace.connection.execute("SELECT DISTINCT genre FROM request WHERE role = 'sentence'").fetchall()
    assert len(genres) > 5


@pytest.mark.parametrize("damage", ["missing", "text", "truncated", "garbage"])
def test_a_model_that_is_none_is_refused_before_anything_is_generated(
    workspace: Workspace, sentences: Path, tmp_path: Path, damage: str
) -> None:
    model = tmp_path / "model.gguf"
    good = paths.starter_llm().read_bytes()
    content = {
        "text": b"This is no model.\n" * 100,
        "truncated": good[: len(good) // 2],
        "garbage": b"GGUF" + good[:999][::-1],
    }
    if damage != "missing":
        model.write_bytes(content[damage])
    run = wait(workspace, workspace.start("generate", _options(sentences, model)).id)
    assert run.state == "failed"
    assert run.error is not None
    assert run.error["code"] == ExitCode.PREFLIGHT, run.error
    assert run.error["hint"]
    assert workspace.counts(run.id)["planned"] == 0
