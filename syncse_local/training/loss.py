"""The contrastive objective of SimCSE and SynCSE (arXiv 2305.15077, section 2). Knows no model and no batch plan."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize


def contrastive_loss(
    anchors: Tensor, positives: Tensor, negatives: Tensor | None, temperature: float, hard_negative_weight: float = 0.0
) -> Tensor:
    """InfoNCE, mean over M anchors: each finds its positive among all in-batch positives and all hard negatives.

    `anchors`, `positives`, `negatives` are (M, d), any scale; without negatives there are M logits, with them 2M.
    A logit is cosine / temperature; `hard_negative_weight` is a logit added to each anchor's own negative. Computed
    in float32 at least.
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
        return cross_entropy(logits, own)
