"""The training loop: the same gradients in any chunks, the same bits after a stop, and what ends it."""

import dataclasses
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import ScoredPair, Triplet
from syncse_local.training.checkpoint import Checkpoints, Progress
from syncse_local.training.data import BatchPlan, TripletData
from syncse_local.training.encoder import Encoder
from syncse_local.training.loop import dev_score, learning_rate, train
from syncse_local.training.mlm import MaskedHead, hide, masked_backward
from syncse_local.training.options import POOLINGS, TrainOptions
from syncse_local.training.step import Stepper
from syncse_local.training.tokens import TokenRows, chunks

WHO = ["a man", "the dog", "some one", "a red car", "the train", "every body", "the big green bus near the town"]
DOES = ["runs", "is playing a guitar", "was late", "sees the rain", "stops"]


class Listener:
    """A reporter that remembers, and cancels once `stop_at` losses were reported."""

    def __init__(self, stop_at: int = 10**9) -> None:
        self.stop_at = stop_at
        self.points: dict[str, list[tuple[int, float]]] = {}
        self.events: list[str] = []
        self.done: list[tuple[int, int]] = []

    def progress(self, done: int, total: int, **data: object) -> None:
        self.done.append((done, total))

    def event(self, kind: str, **data: object) -> None:
        self.events.append(kind)

    def metric(self, name: str, step: int, value: float) -> None:
        self.points.setdefault(name, []).append((step, value))

    def cancelled(self) -> bool:
        return len(self.points.get("loss", [])) >= self.stop_at


def triplets(n: int = 40) -> list[Triplet]:
    rng = random.Random(4)
    rows = []
    for i in range(n):
        who, does = rng.choice(WHO), rng.choice(DOES)
        rows.append(Triplet(f"{who} {does} {i}.", f"{i}: {does} {who}", f"no one {does} {i}"))
    return rows


def dev_pairs() -> list[ScoredPair]:
    return [
        ScoredPair(f"{w} {d}", f"{w} {e}", float(d == e) * 4 + len(w) % 3)
        for w in WHO
        for d, e in zip(DOES, DOES[1:] + DOES[:1], strict=True)
    ]


def options(tiny: Path, folder: Path, **changes: Any) -> TrainOptions:
    base: dict[str, Any] = {"batch_size": 8, "epochs": 2, "eval_every": 3, "checkpoint_every": 4, "learning_rate": 1e-3}
    places = {"encoder": tiny, "output": folder / "out", "checkpoint": folder / "check", "device": "cpu"}
    return TrainOptions(**{**places, **base, **changes})


def stepper(tiny: Path, folder: Path, rows: Sequence[Triplet], **changes: Any) -> tuple[Stepper, TripletData]:
    opts = options(tiny, folder, **changes)
    encoder = Encoder.load(tiny, pooling=opts.pooling, seed=opts.seed)
    data = TripletData(rows, encoder, opts)
    return Stepper(encoder, data.tokens, opts, lambda: False), data


def gradients(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(
    "changes", [{"chunk_tokens": 40}, {"chunk_tokens": 40, "graph_gib": 1e-9}], ids=["kept", "cached"]
)
def test_chunks_and_caching_do_not_change_the_gradients(
    tiny_encoder: Path, tmp_path: Path, pooling: str, changes: dict[str, Any]
) -> None:
    found = []
    for chosen in ({"chunk_tokens": 100_000}, changes):
        step, data = stepper(tiny_encoder, tmp_path, triplets(24), pooling=pooling, hard_negative_weight=0.5, **chosen)
        step.encoder.eval()
        loss = step.contrastive(data.index, 0)
        found.append((loss, gradients(step.encoder)))
    (loss, whole), (other, parts) = found
    assert other == pytest.approx(loss, abs=1e-5)
    assert whole.keys() == parts.keys()
    for name, gradient in whole.items():
        assert torch.allclose(gradient, parts[name], atol=1e-5), name
    assert max(float(g.abs().max()) for g in whole.values()) > 1e-3


def test_caching_repeats_the_dropout(tiny_encoder: Path, tmp_path: Path) -> None:
    found = []
    for gib in (4.0, 1e-9):
        step, data = stepper(tiny_encoder, tmp_path, triplets(24), chunk_tokens=60, graph_gib=gib)
        step.encoder.train()
        found.append((step.contrastive(data.index, 7), gradients(step.encoder)))
    assert found[0][0] == found[1][0]
    assert all(torch.allclose(found[0][1][n], g, atol=1e-5) for n, g in found[1][1].items())
    step.encoder.zero_grad()
    assert step.contrastive(data.index, 8) != found[0][0]


def test_a_batch_of_512_is_one_batch_in_any_chunks(tiny_encoder: Path, tmp_path: Path) -> None:
    losses = []
    for gib in (4.0, 1e-9):
        step, data = stepper(tiny_encoder, tmp_path, triplets(512), batch_size=512, chunk_tokens=512, graph_gib=gib)
        step.encoder.eval()
        losses.append(step.contrastive(data.index, 0))
    vectors = [
        torch.from_numpy(step.encoder.encode(c))
        for c in zip(*((t.sentence, t.positive, t.negative) for t in triplets(512)), strict=True)
    ]
    a, p, n = (torch.nn.functional.normalize(v, dim=-1) for v in vectors)
    logits = torch.cat([a @ p.T, a @ n.T], 1) / 0.05
    assert losses[0] == pytest.approx(float(torch.nn.functional.cross_entropy(logits, torch.arange(512))), abs=1e-4)
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)


@pytest.mark.parametrize("mlm_weight", [0.0, 0.1])
@pytest.mark.parametrize("stop_at", [0, 1, 4, 6, 9])
def test_stopped_and_resumed_ends_with_the_same_bits(
    tiny_encoder: Path, tmp_path: Path, stop_at: int, mlm_weight: float
) -> None:
    whole = train(options(tiny_encoder, tmp_path / "whole", mlm_weight=mlm_weight), triplets(), dev_pairs(), Listener())
    parts = options(tiny_encoder, tmp_path / "parts", mlm_weight=mlm_weight)
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
    assert dev_score(Encoder.load(opts.output), dev_pairs()) == pytest.approx(result.best_score, abs=1e-6)
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
    assert dev_score(encoder, pairs) == pytest.approx(wanted["spearman_cosine"], abs=1e-4)


def test_unsupervised_pairs_differ_by_dropout_only(tiny_encoder: Path, tmp_path: Path) -> None:
    step, data = stepper(tiny_encoder, tmp_path, triplets(10), unsupervised=True)
    assert data.index.shape == (10, 2)
    assert (data.index[:, 0] == data.index[:, 1]).all()
    step.encoder.eval()
    without = step.contrastive(data.index, 0)
    step.encoder.train()
    assert step.contrastive(data.index, 0) > without
    result = train(options(tiny_encoder, tmp_path, unsupervised=True, max_steps=2), triplets(10), [], Listener())
    assert result.steps == 2


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


def test_memory_that_runs_out_ends_with_arithmetic(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Encoder, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return torch.empty(2**55, dtype=torch.float64)  # the allocator's own error

    monkeypatch.setattr(Encoder, "forward", full)
    with pytest.raises(SyncseError, match="Out of memory") as caught:
        train(options(tiny_encoder, tmp_path, chunk_tokens=64), triplets(), [], Listener())
    assert "chunk of 64 tokens" in caught.value.detail
    assert "chunk_tokens to 32" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"pooling": "sum"}, "pooling"),
        ({"batch_size": 1}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"temperature": 0.0}, "temperature"),
        ({"learning_rate": math.nan}, "learning_rate"),
        ({"chunk_tokens": 16}, "chunk_tokens"),
        ({"warmup_ratio": 1.0}, "warmup_ratio"),
        ({"precision": "fp8"}, "precision"),
        ({"device": "tpu"}, "device"),
        ({"epochs": 0}, "epochs"),
        ({"mlm_weight": -0.1}, "mlm_weight"),
    ],
)
def test_bad_options_are_refused_by_name(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(SyncseError, match=f"`{word}`") as caught:
        options(tmp_path, tmp_path, **changes)
    assert caught.value.code == ExitCode.USAGE


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


def test_bf16_is_close_to_fp32(tiny_encoder: Path, tmp_path: Path) -> None:
    losses = []
    for precision in ("fp32", "bf16"):
        step, data = stepper(tiny_encoder, tmp_path, triplets(24), precision=precision, pooling="avg")
        step.encoder.eval()
        losses.append(step.contrastive(data.index, 0))
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


@pytest.mark.parametrize(("rows", "dev"), [([], []), (triplets(1), []), (triplets(), dev_pairs()[:1])])
def test_too_little_data_is_refused(
    tiny_encoder: Path, tmp_path: Path, rows: list[Triplet], dev: list[ScoredPair]
) -> None:
    with pytest.raises(SyncseError, match="Too few"):
        train(options(tiny_encoder, tmp_path), rows, dev, Listener())


def test_plan_is_a_function_of_seed_and_step(tiny_encoder: Path, tmp_path: Path) -> None:
    index = np.arange(63).reshape(21, 3)
    opts = options(tiny_encoder, tmp_path, batch_size=10, epochs=3)
    plan, other = BatchPlan(index, opts), BatchPlan(index, opts)
    assert (plan.per_epoch, plan.total) == (2, 6)  # one row left over has no negative to be told from
    forward = [plan.rows(step).tolist() for step in range(6)]
    assert [other.rows(step).tolist() for step in reversed(range(6))] == forward[::-1]
    assert all(len(set(forward[2 * e] + forward[2 * e + 1])) == 20 for e in range(3))
    assert forward[0] != forward[2]
    assert BatchPlan(index, dataclasses.replace(opts, seed=1)).rows(0).tolist() != forward[0]


def test_batches_without_duplicates(tiny_encoder: Path, tmp_path: Path) -> None:
    rows = [Triplet(f"a {i % 4}", f"the {i}", f"no {i % 5}") for i in range(20)]
    opts = options(tiny_encoder, tmp_path, batch_size=20, no_duplicates=True)
    data = TripletData(rows, Encoder.load(tiny_encoder), opts)
    taken = data.index[BatchPlan(data.index, opts).rows(0)]
    assert 2 <= len(taken) <= 4
    assert len(np.unique(taken)) == taken.size


def test_chunks_cover_every_row_once_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 200)
    parts = chunks(lengths, 128)
    assert sorted(np.concatenate(parts).tolist()) == list(range(200))
    assert all(len(part) == 1 or len(part) * lengths[part].max() <= 128 for part in parts)
    padding = sum(len(part) * lengths[part].max() for part in parts) / lengths.sum()
    assert padding < 1.25


def test_padded_rows_are_the_rows() -> None:
    rows = TokenRows([[5, 6, 7], [8], [9, 10]], pad=1)
    ids, mask = rows.padded(np.array([1, 2]), torch.device("cpu"))
    assert ids.tolist() == [[8, 1], [9, 10]]
    assert mask.tolist() == [[1, 0], [1, 1]]


def test_learning_rate_warms_up_and_falls(tmp_path: Path) -> None:
    opts = options(tmp_path, tmp_path, warmup_ratio=0.2, learning_rate=1.0)
    rates = [learning_rate(opts, step, 10) for step in range(11)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[10] == 0.0
    assert sorted(rates[2:], reverse=True) == rates[2:]


def test_hidden_tokens_follow_berts_shares() -> None:
    ids = torch.full((200, 500), 7)
    ids[:, 0] = 2
    hidden, targets = hide(ids, torch.tensor([0, 2]), 4, 1000, 0.15, seed=1)
    asked = targets != -100
    assert not asked[:, 0].any()
    assert (hidden[~asked] == ids[~asked]).all()
    assert float(asked[:, 1:].float().mean()) == pytest.approx(0.15, abs=0.005)
    assert float((hidden[asked] == 4).float().mean()) == pytest.approx(0.8, abs=0.01)
    assert float((hidden[asked] == 7).float().mean()) == pytest.approx(0.1, abs=0.01)


def test_masked_loss_is_the_mean_over_the_hidden_tokens(tiny_encoder: Path, tmp_path: Path) -> None:
    step, data = stepper(tiny_encoder, tmp_path, triplets(24), mlm_weight=0.5, chunk_tokens=10_000)
    step.encoder.eval()
    head = MaskedHead(step.encoder, 1)
    whole = masked_backward(step, head, data.index, 0)
    vocabulary = step.encoder.model.get_input_embeddings().weight.shape[0]
    assert 0.3 * math.log(vocabulary) < whole < 5 * math.log(vocabulary)
    gradient = head.bias.grad
    assert gradient is not None
    # the bias's gradient is weight x (mean predicted share - share among the targets): both sum to one
    assert float(gradient.sum()) == pytest.approx(0.0, abs=1e-5)
    assert 0.05 < float(gradient.abs().sum()) <= 2 * 0.5
