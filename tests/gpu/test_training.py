"""The trainer on a GPU: the numbers of the CPU, a stop and a resume, memory as forecast, and an error that says what to change."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from random_bert import write
from safetensors.torch import load_file

from syncse_local import machine
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import SyncseError
from syncse_local.machine_memory import FreeMemory
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found
from syncse_local.records import Triplet
from syncse_local.training.loop import train
from syncse_local.training.memory import train_fit
from tests.unit.training_setup import Listener, dev_pairs, options, triplets

LOSS_APART = 1e-4  # fp32 on both: sums in another order, over ten steps at a rate of 1e-3
BF16_APART = 0.05  # of the loss: bf16 keeps eight bits


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small BERT without dropout, whose random numbers a GPU draws differently."""
    shape: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    texts = [text for row in triplets() for text in (row.sentence, row.positive, row.negative)]
    drops: dict[str, Any] = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return write(tmp_path_factory.mktemp("steady"), texts, **shape, **drops)


def losses(listener: Listener) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([value for _, value in listener.points["loss"]])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mlm_weight": 0.1},
        {"false_negative_limit": 0.9, "no_duplicates": True},
        {"lora_rank": 4},
        {"graph_gib": 1e-6},
    ],
    ids=str,
)
def test_a_gpu_in_fp32_gives_the_losses_of_the_cpu(steady: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    if "lora_rank" in changes:
        pytest.importorskip("peft")
    found = {}
    for device in ("cpu", "cuda"):
        listener = Listener()
        given = options(steady, tmp_path / device, device=device, precision="fp32", learning_rate=1e-4, **changes)
        train(given, triplets(), dev_pairs(), listener)
        found[device] = losses(listener)
    if "mlm_weight" not in changes:  # MLM masks are drawn on the device
        assert np.abs(found["cpu"] - found["cuda"]).max() < LOSS_APART
    assert np.isfinite(found["cuda"]).all()


def test_bf16_stays_near_fp32_and_learns(steady: Path, tmp_path: Path) -> None:
    found = {}
    for precision in ("fp32", "bf16"):
        listener = Listener()
        given = options(steady, tmp_path / precision, device="cuda", precision=precision, epochs=12, eval_every=20)
        train(given, triplets(), dev_pairs(), listener)
        found[precision] = losses(listener)
    assert abs(found["bf16"][0] / found["fp32"][0] - 1) < BF16_APART
    assert found["bf16"][-5:].mean() < 0.9 * found["bf16"][:5].mean()


@pytest.mark.parametrize("stop_at", [1, 4, 6])
def test_stopped_and_resumed_on_a_gpu_ends_near_the_whole_run(tiny_encoder: Path, tmp_path: Path, stop_at: int) -> None:
    whole = train(options(tiny_encoder, tmp_path / "whole", device="cuda"), triplets(), dev_pairs(), Listener())
    parts = options(tiny_encoder, tmp_path / "parts", device="cuda")
    assert train(parts, triplets(), dev_pairs(), Listener(stop_at)).cancelled
    resumed = train(parts, triplets(), dev_pairs(), Listener())
    assert resumed.steps == whole.steps
    assert resumed.final_loss == pytest.approx(whole.final_loss, abs=1e-4)
    one, two = (load_file(tmp_path / name / "out" / "model.safetensors") for name in ("whole", "parts"))
    assert max(float((one[n] - two[n]).abs().max()) for n in one) < 1e-4


def test_an_encoder_trained_on_a_gpu_opens_on_the_cpu_with_the_same_vectors(tiny_encoder: Path, tmp_path: Path) -> None:
    given = options(tiny_encoder, tmp_path, device="cuda", max_steps=4)
    train(given, triplets(), [], Listener())
    texts = [row.sentence for row in triplets()]
    one, two = (Encoder.load(given.output, device).encode(texts) for device in ("cuda", "cpu"))
    assert np.abs(one - two).max() < 1e-5


@pytest.mark.parametrize("graph_gib", [8.0, 1e-6], ids=["graphs kept", "gradients cached"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gpu_takes_no_more_than_the_forecast(tmp_path: Path, precision: str, graph_gib: float) -> None:
    rows = [
        Triplet(*(f"{word} {i} " + "the dog runs far away over the hill " * 4 for word in "abc")) for i in range(1024)
    ]
    encoder = write(tmp_path / "encoder", [row.sentence for row in rows])
    given = options(
        encoder,
        tmp_path,
        device="cuda",
        precision=precision,
        batch_size=512,
        epochs=1,
        eval_every=99,
        graph_gib=graph_gib,
    )
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    train(given, rows, [], Listener())
    peak = torch.cuda.max_memory_allocated() - before
    entry = describe(Found("encoder", "path", encoder))
    (fit,) = train_fit(entry, given, FreeMemory(machine.memory().free, tuple(machine.gpus())))
    needed = sum(size for what, size in fit.needs if what != "libraries")
    print(f"{precision}, graphs of {graph_gib} GiB: peak {peak / 2**20:.0f} MiB, forecast {needed / 2**20:.0f} MiB")
    assert fit.place.startswith("GPU")
    assert 0.4 * needed < peak < 1.1 * needed


def test_a_gpu_that_is_full_ends_the_run_with_what_to_change(tmp_path: Path) -> None:
    rows = [
        Triplet(*(f"{word} {i} " + "the dog runs far away over the hill " * 4 for word in "abc")) for i in range(512)
    ]
    encoder = write(tmp_path / "encoder", [row.sentence for row in rows])
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(torch.cuda.memory_reserved() / total + 0.5 * 2**30 / total)
    try:
        with pytest.raises(SyncseError, match="did not fit into GPU memory") as caught:
            train(options(encoder, tmp_path, device="cuda", batch_size=512, graph_gib=64.0), rows, [], Listener())
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "--chunk-tokens" in caught.value.hint
