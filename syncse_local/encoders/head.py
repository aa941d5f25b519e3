"""The poolings that a user names (SimCSE's words) in sentence-transformers' modules, and the head on [CLS]. Knows no files."""

import torch

from syncse_local.encoders.modules.dense import Dense
from syncse_local.encoders.modules.layer_weights import WeightedLayerPooling

MODE_OF = {"cls": ("cls",), "cls_before_pooler": ("cls",), "last_token": ("lasttoken",)}
"""The other poolings are means."""


def layer_mean(pooling: str, layers: int) -> WeightedLayerPooling | None:
    """The layer mean of `avg_top2` or `avg_first_last` for a model of so many layers; None for the other poolings."""
    if pooling == "avg_top2":
        return WeightedLayerPooling(layers - 1, (1.0, 1.0))
    if pooling == "avg_first_last":  # the first is the first block's output, not the embeddings (SimCSE)
        return WeightedLayerPooling(1, (1.0, *[0.0] * (layers - 2), 1.0) if layers > 1 else (1.0,))
    return None


def fresh_cls_head(size: int, std: float, seed: int) -> Dense:
    """The Linear + Tanh head on [CLS], drawn as BERT draws its layers; the same seed gives the same head."""
    dense = Dense(size, size)
    with torch.no_grad():
        dense.linear.weight.normal_(0.0, std, generator=torch.Generator().manual_seed(seed))
        dense.linear.bias.zero_()
    return dense
