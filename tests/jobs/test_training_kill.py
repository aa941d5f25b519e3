"""kill -9 of a training worker at random moments, then resume: the same weights as an uninterrupted run (CPU, fp32)."""

import csv
import os
import random
import signal
import time
from pathlib import Path

import pytest

from syncse_local.api import Workspace
from tests.jobs.helpers import process_of, wait

KILLS = 20


def _triplets(path: Path, count: int) -> Path:
    words = ["train", "car", "dog", "man", "guitar", "rain", "red", "green"]
    rng = random.Random(3)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["sent0", "sent1", "hard_neg"])
        for i in range(count):
            a, b, c = rng.sample(words, 3)
            writer.writerow([f"the {a} is {b} no {i}", f"a {b} {a} was {i}", f"the {c} is not {b} no {i}"])
    return path


def _options(data: Path, encoder: Path, output: Path) -> dict[str, object]:
    training = {"epochs": 3, "batch_size": 16, "eval_every": 10, "checkpoint_every": 3, "device": "cpu", "seed": 5}
    return {"data": str(data), "encoder": str(encoder), "output": str(output), "training": training, "dev": ["starter"]}


@pytest.mark.slow
def test_killed_training_ends_with_the_same_weights(tmp_path: Path, tiny_encoder: Path) -> None:
    data = _triplets(tmp_path / "triplets.csv", 400)
    workspace = Workspace(tmp_path / "w")
    straight = workspace.start("train", _options(data, tiny_encoder, tmp_path / "straight"))
    assert wait(workspace, straight.id).state == "done"

    rng, kills = random.Random(11), 0
    run = workspace.start("train", _options(data, tiny_encoder, tmp_path / "killed"))
    while workspace.run(run.id).state != "done":
        seen = workspace.run(run.id).progress.get("done", 0)
        target = seen + rng.randint(1, 7)
        deadline = time.monotonic() + 120
        while workspace.run(run.id).state in ("queued", "running") and kills < KILLS:
            if workspace.run(run.id).progress.get("done", 0) >= target and (pids := process_of("worker", run.id)):
                os.kill(pids[0], signal.SIGKILL)
                kills += 1
                break
            assert time.monotonic() < deadline
            time.sleep(0.005)
        ended = wait(workspace, run.id)
        if ended.state != "done":
            assert ended.state == "failed"
            assert ended.error is not None
            assert "SIGKILL" in ended.error["detail"]
            workspace.resume(run.id)
    assert kills > 0
    first, second = (tmp_path / name / "model.safetensors" for name in ("straight", "killed"))
    assert first.read_bytes() == second.read_bytes()
    assert workspace.metrics(straight.id, "loss") == workspace.metrics(run.id, "loss")
