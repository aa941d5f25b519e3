"""Training in two processes started by torch's own launcher: the gradients and the encoder of one process."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from syncse_local.api import OPEN, Workspace
from syncse_local.errors import ExitCode
from syncse_local.training.mlm import MaskedHead, masked_backward
from tests.jobs.helpers import process_of, wait
from tests.unit.training_setup import gradients, stepper, triplets

REPO = Path(__file__).resolve().parents[2]
TWO = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
ACCELERATE = (
    *(sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2", "--num_machines", "1"),
    *("--mixed_precision", "no", "--dynamo_backend", "no"),
)
ONE_STEP = """
import sys
from pathlib import Path
from typing import Any
import torch
from safetensors.torch import save_file
from syncse_local.training.mlm import MaskedHead, masked_backward
from syncse_local.training.ranks import Ranks
from tests.unit.training_setup import gradients, stepper, triplets
import dataclasses, json

tiny, folder = map(Path, sys.argv[1:3])
ranks = Ranks.join()
for number, changes in enumerate(json.loads(sys.argv[3])):
    step, data = stepper(tiny, folder / f"{ranks.rank}-{number}", triplets(24), **changes)
    step = dataclasses.replace(step, ranks=ranks)
    step.encoder.train()
    loss = step.contrastive(data.index, 3)
    if changes.get("mlm_weight"):
        head = MaskedHead(step.encoder, 1)
        loss += masked_backward(step, head, data.index, 3)
    ranks.add_gradients(step.encoder.parameters())
    found = {name: g.contiguous() for name, g in gradients(step.encoder).items()}
    save_file({"loss": torch.tensor(loss, dtype=torch.float64), **found}, folder / f"{ranks.rank}-{number}.safetensors")
"""
CASES: list[dict[str, Any]] = [
    {"chunk_tokens": 60, "hard_negative_weight": 0.5},
    {"chunk_tokens": 60, "graph_gib": 1e-9, "false_negative_limit": 0.6},
    {"chunk_tokens": 60, "mlm_weight": 0.5},
    {"chunk_tokens": 32, "batch_size": 2, "pooling": "avg"},
]


def two(
    *words: str, launcher: tuple[str, ...] = TWO, cwd: Path = REPO, **environment: str
) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run([*launcher, *words], capture_output=True, text=True, env=env, cwd=cwd, timeout=600)


def test_two_processes_have_the_gradients_of_one(tiny_encoder: Path, tmp_path: Path) -> None:
    """Dropout on: it is drawn by chunk, and chunks are what the processes share out."""
    script = tmp_path / "one_step.py"
    script.write_text(ONE_STEP, encoding="utf-8")
    done = two(str(script), str(tiny_encoder), str(tmp_path), json.dumps(CASES), PYTHONPATH=str(REPO))
    assert done.returncode == 0, done.stderr[-3000:]
    for number, changes in enumerate(CASES):
        step, data = stepper(tiny_encoder, tmp_path / "alone", triplets(24), **changes)
        assert len(step.parts(data.index.T.reshape(-1))) > 2
        step.encoder.train()
        loss = step.contrastive(data.index, 3)
        if changes.get("mlm_weight"):
            loss += masked_backward(step, MaskedHead(step.encoder, 1), data.index, 3)
        wanted = gradients(step.encoder)
        both = [load_file(tmp_path / f"{rank}-{number}.safetensors") for rank in (0, 1)]
        for found in both:
            assert float(found.pop("loss")) == pytest.approx(loss, abs=1e-5)
            assert found.keys() == wanted.keys()
            for name, gradient in wanted.items():
                assert torch.allclose(found[name], gradient, atol=1e-5), (number, name)
        assert all(torch.equal(both[0][name], both[1][name]) for name in wanted)
        assert max(float(g.abs().max()) for g in wanted.values()) > 1e-3


def train_command(folder: Path, encoder: Path, steps: int, eval_every: int = 2) -> list[str]:
    rows = "".join(f"{t.sentence},{t.positive},{t.negative}\n" for t in triplets(40))
    data = folder / "triplets.csv"
    data.write_text("sent0,sent1,hard_neg\n" + rows, encoding="utf-8")
    numbers = {
        "--batch-size": 16,
        "--max-steps": steps,
        "--eval-every": eval_every,
        "--checkpoint-every": 1,
        "--chunk-tokens": 64,
    }
    words = ["-m", "syncse_local.cli.main", "train", "--data", str(data), "--encoder", str(encoder)]
    words += [str(word) for pair in numbers.items() for word in pair]
    return [*words, "--device", "cpu", "--precision", "fp32", "--force", "--json", "--false-negative-limit", "0.9"]


def alone(command: list[str], workspace: Path) -> dict[str, Any]:
    words = [sys.executable, *command, "-w", str(workspace)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=REPO, timeout=600)
    assert done.returncode == 0, done.stderr
    return result_of(done)


def result_of(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])["result"]
    return result


def assert_the_same(one: dict[str, Any], both: dict[str, Any]) -> None:
    assert both["final_loss"] == pytest.approx(one["final_loss"], abs=1e-5)
    assert both["best_step"] == one["best_step"]
    first, second = (load_file(Path(result["output"]) / "model.safetensors") for result in (one, both))
    assert all(torch.allclose(first[name], second[name], atol=1e-4) for name in first)


@pytest.mark.parametrize("launcher", [TWO, ACCELERATE], ids=["torchrun", "accelerate"])
def test_the_same_command_under_a_launcher_trains_the_same_encoder(
    tiny_encoder: Path, tmp_path: Path, launcher: tuple[str, ...]
) -> None:
    pytest.importorskip(launcher[2].partition(".")[0], reason="the launcher is not installed")
    command = train_command(tmp_path, tiny_encoder, 4)
    together = two(*command, "-w", str(tmp_path / "two"), launcher=launcher)
    assert together.returncode == 0, together.stdout + together.stderr[-3000:]
    assert_the_same(alone(command, tmp_path / "one"), result_of(together))
    with Workspace(tmp_path / "two") as workspace:
        (run,) = workspace.runs()
        setup = next(e["data"] for e in workspace.events(run.id) if e["kind"] == "training_setup")
        assert setup["processes"] == 2
        assert len(workspace.metrics(run.id, "loss")) == 4
        assert len(list((workspace.directory / "runs" / run.id / "checkpoint").glob("step-*"))) == 1


def test_a_killed_training_goes_on_under_torchrun(tiny_encoder: Path, tmp_path: Path) -> None:
    """Begun in one process, killed, and ended by two: the encoder of one that was not stopped."""
    command = train_command(tmp_path, tiny_encoder, 40, eval_every=20)
    words = [sys.executable, *command, "-w", str(tmp_path / "two"), "--detach"]
    run_id = json.loads(subprocess.run(words, capture_output=True, text=True, cwd=REPO, timeout=600).stdout)["run"]
    with Workspace(tmp_path / "two") as workspace:
        while len(workspace.metrics(run_id, "loss")) < 3:
            assert workspace.run(run_id).state in OPEN
            time.sleep(0.01)
        for pid in process_of("worker", run_id):
            os.kill(pid, signal.SIGKILL)
        assert wait(workspace, run_id).state == "failed"
    resumed = two("-m", "syncse_local.cli.main", "resume", run_id, "--json", "-w", str(tmp_path / "two"))
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr[-3000:]
    assert_the_same(alone(command, tmp_path / "one"), result_of(resumed))


def test_a_rank_that_cannot_go_on_ends_all(tiny_encoder: Path, tmp_path: Path) -> None:
    data = tmp_path / "triplets.csv"
    data.write_text("sent0,sent1,hard_neg\na,b,c\n", encoding="utf-8")
    command = ["-m", "syncse_local.cli.main", "train", "--data", str(data), "--encoder", str(tiny_encoder), "--force"]
    done = two(*command, "--device", "cpu", "-w", str(tmp_path / "w"))
    assert done.returncode != ExitCode.OK
    assert "Too few triplets" in done.stderr
