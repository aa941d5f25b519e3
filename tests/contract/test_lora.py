"""LoRA through peft: adapters train, the encoder's own weights do not, and what is saved is a plain encoder."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.training.checkpoint import Checkpoints, Progress, trained_weights
from syncse_local.training.loop import train
from tests.unit.training_setup import Listener, dev_pairs, options, triplets

SENTENCES = ["A man is playing a guitar.", "Rain.", "Two dogs run over the very wide green field today."]
with_peft = pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed (the extra lora)")


@pytest.mark.skipif(find_spec("peft") is not None, reason="peft is installed")
def test_without_peft_the_extra_is_named(tiny_encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(SyncseError, match="LoRA is not installed") as caught:
        train(options(tiny_encoder, tmp_path, lora_rank=4), triplets(), [], Listener())
    assert caught.value.code == ExitCode.PREFLIGHT
    assert "syncse-local[lora]" in caught.value.hint


@with_peft
@pytest.mark.parametrize("pooling", ["cls", "avg"])
def test_adapters_are_trained_and_merged(tiny_encoder: Path, tmp_path: Path, pooling: str) -> None:
    from sentence_transformers import SentenceTransformer

    opts = options(tiny_encoder, tmp_path, lora_rank=4, pooling=pooling, epochs=4, learning_rate=5e-3)
    result = train(opts, triplets(), dev_pairs(), Listener())
    before, after = load_file(tiny_encoder / "model.safetensors"), load_file(opts.output / "model.safetensors")
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert any("attention" in name for name in changed)
    assert all(before[name].ndim == 2 and "embeddings" not in name for name in changed)
    ours = Encoder.load(opts.output).encode(SENTENCES)
    theirs = SentenceTransformer(str(opts.output), device="cpu").encode(SENTENCES)
    assert np.abs(ours - theirs).max() < 1e-5
    assert result.best_score is not None


@with_peft
def test_adapters_of_a_decoder(random_llama: Path, tmp_path: Path) -> None:
    opts = options(random_llama, tmp_path, lora_rank=2, pooling="last_token", max_steps=3, learning_rate=1e-2)
    train(opts, triplets(), [], Listener())
    before = Encoder.load(random_llama, pooling="last_token").encode(SENTENCES)
    assert np.abs(Encoder.load(opts.output).encode(SENTENCES) - before).max() > 1e-4


@with_peft
def test_adapters_resume_to_the_same_bits(tiny_encoder: Path, tmp_path: Path) -> None:
    whole = options(tiny_encoder, tmp_path / "whole", lora_rank=4)
    parts = options(tiny_encoder, tmp_path / "parts", lora_rank=4)
    train(whole, triplets(), dev_pairs(), Listener())
    assert train(parts, triplets(), dev_pairs(), Listener(5)).cancelled
    kept = load_file(next(parts.checkpoint.glob("step-*")) / "weights.safetensors")
    assert all("lora_" in name or ".tail." in name for name in kept)
    train(parts, triplets(), dev_pairs(), Listener())
    one, two = (load_file(opts.output / "model.safetensors") for opts in (whole, parts))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_checkpoint_holds_only_what_is_trained(tiny_encoder: Path, tmp_path: Path) -> None:
    encoder = Encoder.load(tiny_encoder, pooling="cls", seed=1)
    for parameter in encoder.model.parameters():
        parameter.requires_grad_(False)
    assert set(trained_weights(encoder)) == {"tail.0.linear.weight", "tail.0.linear.bias"}
    optimizer = torch.optim.AdamW([p for p in encoder.parameters() if p.requires_grad])
    store = Checkpoints(tmp_path, "x")
    store.save(Progress(step=3), encoder, optimizer, {})
    other = Encoder.load(tiny_encoder, pooling="cls", seed=2)
    with pytest.raises(SyncseError, match="unreadable"):
        store.load(other, torch.optim.AdamW(other.parameters()))  # all of it is trained there
    for parameter in other.model.parameters():
        parameter.requires_grad_(False)
    store.load(other, torch.optim.AdamW([p for p in other.parameters() if p.requires_grad]))
    assert np.array_equal(other.encode(SENTENCES), encoder.encode(SENTENCES))
