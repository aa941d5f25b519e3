"""What ends a training run: memory that really runs out, numbers that overflow, and what is kept then."""

import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine_memory import is_memory
from syncse_local.training.loop import train
from syncse_local.training.memory import out_of_memory
from tests.unit.training_setup import Listener, dev_pairs, options, triplets


class Full(Listener):
    """Leaves 16 MiB of address space from the moment the first step is due."""

    def event(self, kind: str, **data: object) -> None:
        if kind == "training_setup":
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 2**24, resource.getrlimit(resource.RLIMIT_AS)[1]))


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the address space is measured in /proc")
def test_a_step_that_does_not_fit_ends_with_the_sum_and_a_smaller_chunk(tiny_encoder: Path, tmp_path: Path) -> None:
    opts = options(tiny_encoder, tmp_path, batch_size=4096, chunk_tokens=2**20, graph_gib=64.0, max_length=64)

    before = resource.getrlimit(resource.RLIMIT_AS)
    try:
        with pytest.raises(SyncseError, match="Out of memory") as caught:
            train(opts, triplets(4096), [], Full())
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert caught.value.code == ExitCode.FAILED
    for part in ("weights 0.000", "gradients", "AdamW state", "activations", "one chunk of 1048576 tokens", "a token"):
        assert part in caught.value.detail
    chunk = int(caught.value.hint.split("--chunk-tokens ")[1].split()[0])
    assert 0 < chunk <= 2**19
    assert chunk % 64 == 0
    assert not opts.output.exists()


def test_the_suggestion_fits_the_memory_or_names_another_way(tiny_encoder: Path, tmp_path: Path) -> None:
    assert (
        "--chunk-tokens 48 "
        in out_of_memory(options(tiny_encoder, tmp_path, chunk_tokens=100, max_length=24), "cpu").hint
    )
    smallest = out_of_memory(options(tiny_encoder, tmp_path, chunk_tokens=32), "cpu")
    assert "--lora-rank" in smallest.hint
    assert "--chunk-tokens" not in smallest.hint


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_memory_errors_are_told_from_others(error: BaseException, memory: bool) -> None:
    assert is_memory(error) is memory


def test_an_encoder_too_large_to_load_is_no_broken_encoder(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        torch.empty(2**55, dtype=torch.float64)  # the allocator's own error, where a real model would meet it

    monkeypatch.setattr("syncse_local.encoders.loading.AutoModel.from_pretrained", full)
    with pytest.raises(SyncseError, match="Out of memory"):
        train(options(tiny_encoder, tmp_path), triplets(), [], Listener())


@pytest.mark.parametrize("dev", [[], dev_pairs()], ids=["no dev", "dev"])
def test_a_rate_that_overflows_keeps_the_last_good_checkpoint(
    tiny_encoder: Path, tmp_path: Path, dev: list[Any]
) -> None:
    """The first update is harmless (warm-up), a later one breaks the weights; eval and save come every step."""
    opts = options(
        tiny_encoder, tmp_path, learning_rate=1e38, warmup_ratio=0.9, eval_every=1, checkpoint_every=1, weight_decay=0.1
    )
    with pytest.raises(SyncseError, match="Training diverged") as caught:
        train(opts, triplets(), dev, Listener())
    assert caught.value.code == ExitCode.FAILED
    assert not opts.output.exists()
    for folder in opts.checkpoint.glob("step-*"):
        kept = load_file(folder / "weights.safetensors")
        assert all(bool(torch.isfinite(tensor).all()) for tensor in kept.values())


def test_weights_that_break_in_the_last_step_are_not_saved(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opts = options(tiny_encoder, tmp_path, max_steps=4, checkpoint_every=2)
    step = torch.optim.AdamW.step
    calls = []

    def breaking(self: torch.optim.AdamW, closure: None = None) -> None:
        step(self)
        calls.append(1)
        if len(calls) == 4:
            with torch.no_grad():
                self.param_groups[0]["params"][0][0, 0] = float("nan")

    monkeypatch.setattr(torch.optim.AdamW, "step", breaking)
    with pytest.raises(SyncseError, match="step 2 is kept"):
        train(opts, triplets(), [], Listener())
    assert [path.name for path in opts.checkpoint.iterdir()] == ["step-000000002"]
    assert not opts.output.exists()


def test_nothing_that_is_written_is_a_pickle(tiny_encoder: Path, tmp_path: Path) -> None:
    opts = options(tiny_encoder, tmp_path, mlm_weight=0.1)
    train(opts, triplets(), dev_pairs(), Listener())
    written = [
        path
        for folder in (opts.output, opts.checkpoint, opts.token_folder)
        for path in folder.rglob("*")
        if path.is_file()
    ]
    assert {path.suffix for path in written} <= {".safetensors", ".json", ".md", ".txt", ".npy"}
    assert not [path for path in written if path.read_bytes()[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"PK")]
    assert Encoder.load(opts.output).dimension == 32
