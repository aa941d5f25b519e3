"""The contrastive objective of SimCSE and SynCSE (arXiv 2305.15077, section 2). Knows no model and no batch plan."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize


def contrastive_loss(
    anchors: Tensor,
    positives: Tensor,
    negatives: Tensor | None,
    temperature: float,
    hard_negative_weight: float = 0.0,
    masked: Tensor | None = None,
) -> Tensor:
    """InfoNCE, mean over M anchors: each finds its positive among all in-batch positives and all hard negatives.

    `anchors`, `positives`, `negatives` are (M, d), any scale; without negatives there are M logits, with them 2M.
    A logit is cosine / temperature; `hard_negative_weight` is a logit added to each anchor's own negative. What is
    true in `masked`, (M, M or 2M), is no candidate. Computed in float32 at least.
    """
    kind = torch.promote_types(anchors.dtype, torch.float32)
    with torch.autocast(anchors.device.type, enabled=False):
        queries = normalize(anchors.to(kind), dim=-1)
        candidates = positives if negatives is None else torch.cat([positives, negatives])
        logits = queries @ normalize(candidates.to(kind), dim=-1).T / temperature
        own = torch.arange(len(anchors), device=anchors.device)
        if negatives is not None and hard_negative_weight:
            extra = torch.zeros_like(logits)
            extra[own, len(anchors) + own] = hard_negative_weight
            logits = logits + extra
        if masked is not None:
            logits = logits.masked_fill(masked, float("-inf"))
        return cross_entropy(logits, own)


def false_negatives(anchors: Tensor, positives: Tensor, negatives: Tensor | None, limit: float) -> Tensor:
    """(M, M or 2M): other rows' candidates whose cosine with the anchor is above `limit`.

    Never an anchor's own positive or its own hard negative, which are meant as what they are.
    """
    candidates = positives if negatives is None else torch.cat([positives, negatives])
    near = normalize(anchors, dim=-1) @ normalize(candidates, dim=-1).T > limit
    own = torch.arange(len(anchors), device=anchors.device)
    near[own, own] = False
    if negatives is not None:
        near[own, len(anchors) + own] = False
    return near
