"""Whole runs on a GPU, as a user starts them: generate with all layers there, train, evaluate, and two that wait for each other."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]
ENCODER = REPO / "models" / "starter-encoder"


def syncse(*words: object) -> list[dict[str, Any]]:
    """What the command printed as JSON; it ended without a fault."""
    line = [sys.executable, "-m", "syncse_local.cli.start", *map(str, words), "--json"]
    done = subprocess.run(line, cwd=REPO, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(text) for text in done.stdout.splitlines()]


def test_train_and_evaluate_on_the_gpu(tmp_path: Path) -> None:
    place, data = tmp_path / "ws", tmp_path / "triplets.csv"
    data.write_text("sentence,positive,negative\n" + "".join(f"a dog {i},the dog {i},no dog {i}\n" for i in range(200)))
    common = ("--workspace", place, "--device", "cuda")
    told = syncse("train", "--data", data, "--encoder", ENCODER, "--max-steps", 4, *common)
    assert told[-1]["state"] == "done"
    (setup,) = [line["data"] for line in told if line.get("event") == "training_setup"]
    assert (setup["device"], setup["precision"]) == ("cuda", "bf16")
    there = syncse("eval", ENCODER, *common)[-1]["result"]
    here = syncse("eval", ENCODER, "--workspace", tmp_path / "cpu", "--device", "cpu")[-1]["result"]
    assert there["spearman"]["starter"] == pytest.approx(here["spearman"]["starter"], abs=1e-3)


def test_generate_on_the_gpu_answers_every_request(sentences: Path, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    from syncse_local.backends.llamacpp.choose import has_gpu

    if not has_gpu():
        pytest.skip("this llama-cpp-python was not built for a GPU")
    told = syncse("generate", sentences, "--workspace", tmp_path / "ws", "--n-gpu-layers", -1)
    assert told[-1]["state"] == "done"
    assert told[-1]["result"]["answered"] == 80


def test_a_second_run_waits_for_the_gpu(tmp_path: Path) -> None:
    data = tmp_path / "triplets.csv"
    data.write_text(
        "sentence,positive,negative\n" + "".join(f"a dog {i},the dog {i},no dog {i}\n" for i in range(4000))
    )
    places = [tmp_path / name for name in ("one", "two")]
    for place in places:
        given = ("--data", data, "--encoder", ENCODER, "--epochs", 8, "--device", "cuda", "--select", "none")
        syncse("train", *given, "--workspace", place, "--detach")
    seen: set[tuple[str, ...]] = set()
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and ("done", "done") not in seen:
        states = [syncse("runs", "--workspace", place)[0]["state"] for place in places]
        seen.add(tuple(states))
        time.sleep(0.1)
    assert ("done", "done") in seen
    assert ("running", "running") not in seen
    assert any("queued" in pair and "running" in pair for pair in seen)
