"""The training loop: the same bits after a stop, what it keeps, and what ends it."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.training.checkpoint import Checkpoints, Progress
from syncse_local.training.loop import train
from syncse_local.training.selection import dev_scores
from tests.unit.training_setup import Listener, dev_pairs, options, triplets


@pytest.mark.parametrize(
    "changes", [{}, {"mlm_weight": 0.1}, {"false_negative_limit": 0.9, "no_duplicates": True}], ids=str
)
@pytest.mark.parametrize("stop_at", [0, 1, 4, 6, 9])
def test_stopped_and_resumed_ends_with_the_same_bits(
    tiny_encoder: Path, tmp_path: Path, stop_at: int, changes: dict[str, Any]
) -> None:
    whole = train(options(tiny_encoder, tmp_path / "whole", **changes), triplets(), dev_pairs(), Listener())
    parts = options(tiny_encoder, tmp_path / "parts", **changes)
    first, second = Listener(stop_at), Listener()
    stopped = train(parts, triplets(), dev_pairs(), first)
    assert stopped.cancelled
    assert stopped.steps == stop_at
    assert not parts.output.exists()
    resumed = train(parts, triplets(), dev_pairs(), second)
    assert (resumed.steps, resumed.best_step, resumed.best_score) == (whole.steps, whole.best_step, whole.best_score)
    assert resumed.final_loss == whole.final_loss
    for name in ("model.safetensors", "2_Dense/model.safetensors"):
        one, two = load_file(tmp_path / "whole" / "out" / name), load_file(parts.output / name)
        assert all(torch.equal(one[n], two[n]) for n in one)
    for name in ("weights.safetensors", "optimizer.safetensors"):
        one, two = (load_file(next((tmp_path / d / "check").glob("step-*")) / name) for d in ("whole", "parts"))
        assert one.keys() == two.keys()
        assert all(torch.equal(one[n], two[n]) for n in one)
    steps = [s for s, _ in first.points.get("loss", []) + second.points["loss"]]
    assert steps == list(range(1, whole.steps + 1))
    scored = [s for s, _ in first.points.get("dev", []) + second.points["dev"]]
    assert scored == [3, 6, 9, 10]


def test_training_lowers_the_loss_and_keeps_the_best(tiny_encoder: Path, tmp_path: Path) -> None:
    listener = Listener()
    opts = options(tiny_encoder, tmp_path, epochs=12, eval_every=5)
    result = train(opts, triplets(), dev_pairs(), listener, readme=lambda r: f"best {r.best_step}\n")
    losses = [value for _, value in listener.points["loss"]]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    scores = dict(listener.points["dev"])
    assert result.best_score == max(scores.values()) == scores[result.best_step]
    again = dev_scores(Encoder.load(opts.output), {"dev": dev_pairs()})
    assert again["dev"] == pytest.approx(result.best_score, abs=1e-6)
    assert (opts.output / "README.md").read_text() == f"best {result.best_step}\n"
    assert listener.done[-1] == (60, 60)
    assert result.triplets_per_second > 0


def test_without_dev_pairs_the_last_weights_are_kept(tiny_encoder: Path, tmp_path: Path) -> None:
    opts = options(tiny_encoder, tmp_path, max_steps=3)
    result = train(opts, triplets(), [], Listener())
    assert (result.best_step, result.best_score, result.steps) == (3, None, 3)
    last = load_file(next(opts.checkpoint.glob("step-*")) / "weights.safetensors")
    saved = load_file(opts.output / "model.safetensors")
    assert all(torch.equal(saved[n], last[f"encoder.model.{n}"]) for n in saved)


def test_patience_ends_the_run(tiny_encoder: Path, tmp_path: Path) -> None:
    opts = options(tiny_encoder, tmp_path, epochs=40, eval_every=1, patience=2, learning_rate=1e-9)
    listener = Listener()
    result = train(opts, triplets(), dev_pairs(), listener)
    assert result.stopped_early
    scores = [value for _, value in listener.points["dev"]]
    assert len(scores) < 200
    assert result.best_score == max(scores)
    assert max(scores[:-2]) == max(scores)


def test_constant_gold_is_said_and_not_scored(tiny_encoder: Path, tmp_path: Path) -> None:
    dev = [dataclasses.replace(pair, gold=1.0) for pair in dev_pairs()]
    listener = Listener()
    result = train(options(tiny_encoder, tmp_path, max_steps=3), triplets(), dev, listener)
    assert result.best_score is None
    assert "dev_undefined" in listener.events
    assert "dev" not in listener.points


def test_dev_score_is_spearman_of_cosines(tiny_encoder: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    encoder = Encoder.load(tiny_encoder)
    pairs = dev_pairs()
    theirs = EmbeddingSimilarityEvaluator(*zip(*((p.first, p.second, p.gold) for p in pairs), strict=True))
    wanted = theirs(SentenceTransformer(str(tiny_encoder), device="cpu"))
    assert dev_scores(encoder, {"dev": pairs})["dev"] == pytest.approx(wanted["spearman_cosine"], abs=1e-4)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_checkpoint(tiny_encoder: Path, tmp_path: Path) -> None:
    opts = options(tiny_encoder, tmp_path, checkpoint_every=2)
    assert train(opts, triplets(), [], Listener(4)).cancelled
    folder = next(opts.checkpoint.glob("step-*"))
    kept = (folder / "weights.safetensors").read_bytes()
    broken = load_file(folder / "optimizer.safetensors")
    name = next(n for n in broken if n.endswith("layer.0.output.dense.weight|exp_avg"))
    broken[name][0, 0] = float("inf")  # the next update makes a weight infinite
    from safetensors.torch import save_file

    save_file(broken, folder / "optimizer.safetensors")
    with pytest.raises(SyncseError, match="Training diverged") as caught:
        train(dataclasses.replace(opts, checkpoint_every=10**6), triplets(), [], Listener())
    assert "step 4 is kept" in caught.value.detail
    assert (folder / "weights.safetensors").read_bytes() == kept
    assert not opts.output.exists()


def test_another_runs_checkpoint_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    opts = options(tiny_encoder, tmp_path)
    train(opts, triplets(), [], Listener(2))
    for changed, rows in ((dataclasses.replace(opts, seed=7), triplets()), (opts, triplets(39))):
        with pytest.raises(SyncseError, match="Another run's checkpoint") as caught:
            train(changed, rows, [], Listener())
        assert caught.value.code == ExitCode.USAGE
    assert train(dataclasses.replace(opts, output=tmp_path / "elsewhere"), triplets(), [], Listener()).steps == 10


def test_a_broken_checkpoint_is_said(tiny_encoder: Path, tmp_path: Path) -> None:
    opts = options(tiny_encoder, tmp_path)
    train(opts, triplets(), [], Listener(2))
    (next(opts.checkpoint.glob("step-*")) / "weights.safetensors").write_bytes(b"cut")
    with pytest.raises(SyncseError, match="Checkpoint unreadable"):
        train(opts, triplets(), [], Listener())


def test_an_unfinished_checkpoint_is_not_seen(tiny_encoder: Path, tmp_path: Path) -> None:
    module = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    store = Checkpoints(tmp_path, "x")
    store.save(Progress(step=3), module, optimizer, {})
    (tmp_path / ".new").mkdir()
    (tmp_path / ".new" / "weights.safetensors").write_bytes(b"half")
    assert store.load(module, optimizer)[0].step == 3
    store.save(Progress(step=5), module, optimizer, {})
    assert [p.name for p in tmp_path.iterdir()] == ["step-000000005"]


def test_an_output_that_would_be_lost_is_refused_before_training(tiny_encoder: Path, tmp_path: Path) -> None:
    opts = options(tiny_encoder, tmp_path)
    opts.output.mkdir()
    (opts.output / "thesis.tex").write_text("years of work")
    listener = Listener()
    for _ in range(2):
        with pytest.raises(SyncseError, match="Would overwrite") as caught:
            train(opts, triplets(), [], listener)
        assert caught.value.code == ExitCode.USAGE
    assert not listener.points
    assert (opts.output / "thesis.tex").exists()
