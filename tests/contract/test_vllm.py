"""What is particular to the vLLM engine: its process, what is left of it, the log beside the protocol, a killed run."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from syncse_local import airgap, paths
from syncse_local.api import OPEN, Workspace
from syncse_local.backends.vllm.engine import VllmBackend
from syncse_local.backends.vllm.process import session_members
from syncse_local.errors import SyncseError
from syncse_local.records import Context, Message, Row, Sampling
from syncse_local.synthesis.recipe import load_pools, load_recipe
from tests.contract.engines import ENGINES, no_vllm
from tests.jobs.helpers import process_of, wait

pytestmark = pytest.mark.skipif(bool(no_vllm()), reason=no_vllm())
OPTIONS = ENGINES["vllm"].options(Path())
SHORT = Sampling(max_tokens=6)
ENDLESS = Sampling(max_tokens=300, temperature=1.5, top_p=1.0)
PATIENCE = 120.0


def contexts(count: int, rows: int, sampling: Sampling) -> Iterator[Context]:
    """Contexts that each share an instruction."""
    for c in range(count):
        made = [Row(f"{c}-{r}", f"There were {r} cats.", r, sampling) for r in range(rows)]
        yield Context(str(c), (Message("system", f"Tell a story about number {c}."),), made)


def wait_until_gone(session: int) -> None:
    """Until no process of the session is left; fails when one stays."""
    deadline = time.monotonic() + PATIENCE
    while left := session_members(session):
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def backend(random_llama: Path) -> Iterator[VllmBackend]:
    """An engine that tests use one after the other."""
    made = VllmBackend(random_llama, **OPTIONS)
    yield made
    made.close()


def test_a_thousand_rows_are_answered_once_beside_a_talkative_log(backend: VllmBackend) -> None:
    found = [c.key for c in backend.generate(contexts(10, 100, SHORT), lambda: False)]
    assert sorted(found) == sorted(f"{c}-{r}" for c in range(10) for r in range(100))
    assert backend._process is not None
    assert backend._process.log_tail()


def test_seeds_decide_the_text(backend: VllmBackend) -> None:
    lively = replace(SHORT, temperature=1.0, top_p=1.0, max_tokens=12)
    first, again = ({c.key: c.text for c in backend.generate(contexts(2, 40, lively), lambda: False)} for _ in "ab")
    same = sum(first[key] == again[key] for key in first)
    assert same >= 0.8 * len(first)  # the rest: float sums that a batch of another make-up turned over
    assert len(set(first.values())) > 0.8 * len(first)


def test_cancelled_rows_leave_the_engine(backend: VllmBackend) -> None:
    seen: list[str] = []
    for done in backend.generate(contexts(1, 100, SHORT), lambda: len(seen) >= 2):
        seen.append(done.key)
    running = backend.generate(contexts(1, 100, ENDLESS), lambda: False)
    next(running)
    running.close()  # type: ignore[attr-defined]
    found = list(backend.generate(contexts(1, 5, SHORT), lambda: False))
    assert sorted(c.key for c in found) == [f"0-{r}" for r in range(5)]


def test_it_listens_on_loopback_only(backend: VllmBackend) -> None:
    assert backend._process is not None
    sockets = set()
    for pid in session_members(backend._process.pid):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            sockets.add(os.readlink(entry).removeprefix("socket:[").rstrip("]"))
    loopback = {"0100007F", "00000000000000000000000001000000"}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            listening = fields[3] == "0A" and fields[9] in sockets
            assert not listening or fields[1].split(":")[0] in loopback


def test_the_settings_say_what_was_chosen(backend: VllmBackend, random_llama: Path) -> None:
    shown = backend.settings()
    assert (shown["window"], shown["dtype"], shown["profile"]) == (512, "float32", "chat")
    assert shown["prefix_caching"] is True
    assert backend.info.path == random_llama


def test_a_killed_engine_is_a_clear_error_and_leaves_nothing(random_llama: Path) -> None:
    backend = VllmBackend(random_llama, **OPTIONS, chat_profile="plain")
    assert backend.settings()["profile"] == "plain"
    assert backend._process is not None
    pid = backend._process.pid
    assert len(session_members(pid)) >= 2  # the engine, and the one that kills it when this process is gone
    seen: list[str] = []
    with pytest.raises(SyncseError) as caught:
        for done in backend.generate(contexts(1, 500, ENDLESS), lambda: False):
            seen.append(done.key)
            if len(seen) == 3:
                os.kill(pid, signal.SIGKILL)
    assert "SIGKILL" in caught.value.detail
    assert caught.value.hint
    assert 3 <= len(seen) == len(set(seen)) < 500
    backend.close()
    assert session_members(pid) == []
    assert backend.released["processes_left"] == 0


PARENT = """
import sys
from pathlib import Path
from syncse_local import airgap
airgap.install_if_ordered()
from tests.contract import test_vllm as t
backend = t.VllmBackend(Path(sys.argv[1]), **t.OPTIONS)
answers = backend.generate(t.contexts(1, 100_000, t.ENDLESS), lambda: False)
next(answers)
print(backend._process.pid, len(airgap.refused()), flush=True)
for _ in answers:
    pass
"""


def test_a_dead_parent_leaves_no_engine_also_under_the_airgap(random_llama: Path, repo: Path) -> None:
    env = {**os.environ, airgap.GUARD: "1"}
    command = [sys.executable, "-c", PARENT, str(random_llama)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=repo)
    assert parent.stdout is not None
    session, refused = map(int, parent.stdout.readline().split())
    assert refused == 0
    assert session_members(session)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until_gone(session)


def test_a_run_whose_engine_was_killed_goes_on_where_it_was(tmp_path: Path, random_llama: Path) -> None:
    workspace, recipe = Workspace(tmp_path / "w"), load_recipe("starter")
    options = {
        "recipe": recipe.to_dict(),
        "pools_hash": load_pools(recipe).hash,
        "backend": "vllm",
        "model": str(random_llama),
        "backend_options": OPTIONS,
        "input": str(paths.starter_sentences()),
        "limit": 600,
        "max_failure_rate": 1.0,  # the weights are random
    }
    run = workspace.start("generate", options)
    while workspace.counts(run.id)["answered"] == 0:
        assert workspace.run(run.id).state in OPEN, workspace.run(run.id).error
        time.sleep(0.02)
    worker = process_of("worker", run.id)[0]
    children = Path(f"/proc/{worker}/task/{worker}/children").read_text(encoding="ascii").split()
    engine = next(int(pid) for pid in children if b"vllm/child.py" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(engine, signal.SIGKILL)
    ended = wait(workspace, run.id)
    assert ended.error is not None
    assert ended.error["title"] == "The vLLM process died"
    kept = workspace.counts(run.id)["answered"]
    assert 0 < kept < 1200
    wait_until_gone(engine)
    workspace.resume(run.id)
    wait(workspace, run.id)
    assert workspace.counts(run.id)["answered"] == 1200
    responses = "SELECT count(*), count(DISTINCT request_id) FROM response"
    assert tuple(workspace.connection.execute(responses).fetchone()) == (1200, 1200)
    assert [e["data"]["processes_left"] for e in workspace.events(run.id) if e["kind"] == "released"] == [0, 0]
