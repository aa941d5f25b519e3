"""The contrastive loss against its formula written out and against sentence-transformers' own."""

import math
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch import Tensor

from syncse_local.encoders.tokens import TokenRows
from syncse_local.encoders.transformer import Encoder
from syncse_local.training.loss import contrastive_loss, false_negatives

ROWS = [
    ("A man is playing a guitar.", "Someone plays an instrument.", "Nobody is playing a guitar."),
    ("The train left the station late.", "The departure was delayed.", "The train arrived early and waited."),
    ("Two dogs run.", "Animals are running across a wide green field.", "Two dogs sleep on the sofa."),
    ("She bought a red car last week in town.", "A car was bought.", "She sold her red car."),
    ("It rains.", "The weather is wet.", "The sun is shining today and it is dry."),
]


def written_out(a: Tensor, p: Tensor, n: Tensor | None, temperature: float, weight: float) -> float:
    """Section 2 of the paper, one sum at a time."""
    total = 0.0
    for i in range(len(a)):
        terms = [float(torch.cosine_similarity(a[i], p[j], dim=0)) / temperature for j in range(len(a))]
        for j in range(len(a) if n is not None else 0):
            assert n is not None
            extra = weight if i == j else 0.0
            terms.append(float(torch.cosine_similarity(a[i], n[j], dim=0)) / temperature + extra)
        total += math.log(sum(math.exp(t) for t in terms)) - terms[i]
    return total / len(a)


@pytest.mark.parametrize("weight", [0.0, 1.5, -2.0])
@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_loss_equals_the_formula(weight: float, hard: bool, temperature: float) -> None:
    generator = torch.Generator().manual_seed(3)
    a, p, n = (torch.randn(7, 16, generator=generator, dtype=torch.float64) for _ in range(3))
    negatives = n if hard else None
    ours = contrastive_loss(a, p, negatives, temperature, weight)
    assert float(ours) == pytest.approx(written_out(a, p, negatives, temperature, weight), abs=1e-6)


def test_hard_negative_weight_touches_only_the_own_negative() -> None:
    eye = torch.eye(3)
    far = -torch.eye(3)
    plain = contrastive_loss(eye, eye, far, 1.0, 0.0)
    heavy = contrastive_loss(eye, eye, far, 1.0, 4.0)
    # logits of an anchor: own positive 1, four zeros, own negative -1 (+ 4)
    assert float(plain) == pytest.approx(math.log(math.e + 4 + math.exp(-1)) - 1, abs=1e-6)
    assert float(heavy) == pytest.approx(math.log(math.e + 4 + math.exp(3)) - 1, abs=1e-6)


def masked_out(a: Tensor, p: Tensor, n: Tensor | None, frozen: list[Tensor], limit: float, temperature: float) -> float:
    """The same, without other rows' candidates that the frozen vectors are nearer to than the limit."""
    total, (fa, fp, fn) = 0.0, frozen
    for i in range(len(a)):
        terms = []
        for j in range(len(a)):
            if i == j or float(torch.cosine_similarity(fa[i], fp[j], dim=0)) <= limit:
                terms.append(float(torch.cosine_similarity(a[i], p[j], dim=0)) / temperature)
            if n is not None and (i == j or float(torch.cosine_similarity(fa[i], fn[j], dim=0)) <= limit):
                terms.append(float(torch.cosine_similarity(a[i], n[j], dim=0)) / temperature)
        own = float(torch.cosine_similarity(a[i], p[i], dim=0)) / temperature
        total += math.log(sum(math.exp(t) for t in terms)) - own
    return total / len(a)


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("limit", [0.0, 0.3, 0.999])
def test_false_negatives_leave_the_softmax(limit: float, hard: bool) -> None:
    generator = torch.Generator().manual_seed(5)
    a, p, n, *frozen = (torch.randn(9, 6, generator=generator, dtype=torch.float64) for _ in range(6))
    frozen[1][2], frozen[2][4] = frozen[0][1], frozen[0][4]  # another row's positive, and an own hard negative: copies
    masked = false_negatives(frozen[0], frozen[1], frozen[2] if hard else None, limit)
    assert masked[1, 2]
    assert not masked.diagonal().any()
    assert not hard or not masked[4, 9 + 4]
    ours = contrastive_loss(a, p, n if hard else None, 0.5, masked=masked)
    assert float(ours) == pytest.approx(masked_out(a, p, n if hard else None, frozen, limit, 0.5), abs=1e-6)
    assert float(ours) < float(contrastive_loss(a, p, n if hard else None, 0.5))


@pytest.mark.parametrize("pooling", ["avg", "cls", "avg_first_last"])
def test_loss_and_gradients_equal_sentence_transformers(tiny_encoder: Path, tmp_path: Path, pooling: str) -> None:
    encoder = Encoder.load(tiny_encoder, pooling=pooling, seed=1)
    encoder.save(tmp_path / "saved")
    theirs = SentenceTransformer(str(tmp_path / "saved"), device="cpu").eval()
    features = [theirs.preprocess([row[i] for row in ROWS]) for i in range(3)]
    reference = MultipleNegativesRankingLoss(theirs, scale=20.0)(features, torch.zeros(len(ROWS)))
    reference.backward()

    encoder.eval()
    columns = []
    for i in range(3):
        rows: TokenRows = encoder.tokenize([row[i] for row in ROWS])
        ids, mask = rows.padded(torch.arange(len(ROWS)).numpy(), torch.device("cpu"))
        columns.append(encoder(ids, mask))
    loss = contrastive_loss(columns[0], columns[1], columns[2], 0.05)
    loss.backward()  # type: ignore[no-untyped-call]

    assert loss.item() == pytest.approx(reference.item(), abs=1e-5)
    wanted = {n: p.grad for n, p in theirs[0].model.named_parameters() if p.grad is not None}
    found = {n: p.grad for n, p in encoder.model.named_parameters() if p.grad is not None}
    assert wanted.keys() == found.keys()
    assert wanted
    for name, gradient in found.items():
        assert torch.allclose(gradient, wanted[name], atol=1e-5), name
    if pooling == "cls":
        head = dict(encoder.tail.named_parameters())["0.linear.weight"].grad
        assert head is not None
        assert torch.allclose(head, theirs[2].linear.weight.grad, atol=1e-5)
