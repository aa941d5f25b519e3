"""One training step: the same loss and gradients in any chunks; dropout pairs, bf16 and hidden tokens."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from syncse_local.records import Triplet
from syncse_local.specs.choices import POOLINGS
from syncse_local.training.loop import train
from syncse_local.training.loss import contrastive_loss
from syncse_local.training.mlm import MaskedHead, hide, masked_backward
from tests.unit.training_setup import Listener, gradients, options, stepper, triplets


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


def test_false_negatives_are_masked_by_the_frozen_encoder(tiny_encoder: Path, tmp_path: Path) -> None:
    """In any chunks, kept or cached, in both precisions; the frozen encoder has its own pooling and does not move."""
    rows = [*triplets(24), *(Triplet(t.positive, t.sentence, t.negative) for t in triplets(24))]
    for precision in ("fp32", "bf16"):
        found = []
        for changes in ({"chunk_tokens": 10_000}, {"chunk_tokens": 50}, {"chunk_tokens": 50, "graph_gib": 1e-9}):
            step, data = stepper(
                tiny_encoder, tmp_path, rows, false_negative_limit=0.9, precision=precision, pooling="avg", **changes
            )
            assert step.frozen is not None
            step.encoder.eval()
            found.append((step.contrastive(data.index, 0), gradients(step.encoder)))
            assert not gradients(step.frozen)
        (loss, whole), *others = found
        for other, parts in others:
            assert other == pytest.approx(loss, abs=1e-5 if precision == "fp32" else 0.05)
            near = 1e-5 if precision == "fp32" else 0.05 * max(float(g.abs().max()) for g in whole.values())
            assert all(torch.allclose(g, parts[name], atol=near) for name, g in whole.items())
    unmasked, data = stepper(tiny_encoder, tmp_path, rows, pooling="avg")
    unmasked.encoder.eval()
    assert unmasked.contrastive(data.index, 0) > loss + 0.1


def test_one_lookup_for_all_chunks_changes_nothing(tiny_encoder: Path, tmp_path: Path) -> None:
    step, data = stepper(tiny_encoder, tmp_path, triplets(24), chunk_tokens=60)
    step.encoder.eval()
    loss = step.contrastive(data.index, 0)
    table = step.encoder.model.get_input_embeddings()
    assert "forward" not in vars(table)  # the model is as it was
    ours = gradients(step.encoder)["model.embeddings.word_embeddings.weight"]
    step.encoder.zero_grad()
    a, p, n = (step.encoder(*step.tokens.padded(column, torch.device("cpu"))) for column in data.index.T)
    plain = contrastive_loss(a, p, n, step.options.temperature)
    plain.backward()  # type: ignore[no-untyped-call]
    assert loss == pytest.approx(plain.item(), abs=1e-5)
    assert torch.allclose(ours, table.weight.grad, atol=1e-5)
    assert not ours[step.tokens.pad].any()
    assert ours.abs().max() > 1e-3


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


def test_bf16_is_close_to_fp32(tiny_encoder: Path, tmp_path: Path) -> None:
    losses = []
    for precision in ("fp32", "bf16"):
        step, data = stepper(tiny_encoder, tmp_path, triplets(24), precision=precision, pooling="avg")
        step.encoder.eval()
        losses.append(step.contrastive(data.index, 0))
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


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
