"""From a transformer's hidden states to one vector: layer mean, pooling, dense layers, normalisation.

The formulas are sentence-transformers' (Pooling, WeightedLayerPooling, Dense, Normalize). Knows no files.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class LayerMean:
    """Token embeddings as the weighted mean of the hidden layers from `start` on (0 is the embedding layer)."""

    start: int
    weights: tuple[float, ...]

    def __call__(self, hidden: Sequence[Tensor]) -> Tensor:
        """The mean of (n, length, d) tensors, one a layer."""
        total = torch.zeros_like(hidden[-1])
        for weight, layer in zip(self.weights, hidden[self.start :], strict=True):
            if weight:
                total = total + weight * layer
        return total / sum(self.weights)


def layer_mean(pooling: str, layers: int) -> LayerMean | None:
    """The layer mean of `avg_top2` or `avg_first_last` for a model of so many layers; None for the other poolings."""
    if pooling == "avg_top2":
        return LayerMean(layers - 1, (1.0, 1.0))
    if pooling == "avg_first_last":  # the first is the first block's output, not the embeddings (SimCSE)
        return LayerMean(1, (1.0, *[0.0] * (layers - 2), 1.0) if layers > 1 else (1.0,))
    return None


def pool(mode: str, tokens: Tensor, mask: Tensor) -> Tensor:
    """(n, length, d) token embeddings and their (n, length) mask to (n, d); padding is on the right."""
    weights = mask.unsqueeze(-1).to(tokens.dtype)
    if mode == "cls":
        return tokens[:, 0]
    if mode == "lasttoken":
        return tokens[torch.arange(len(tokens), device=tokens.device), mask.sum(1).clamp(min=1) - 1]
    if mode == "max":
        return tokens.masked_fill(weights == 0, float("-inf")).amax(1)
    if mode == "weightedmean":
        weights = weights * torch.arange(1, tokens.shape[1] + 1, device=tokens.device, dtype=tokens.dtype).view(
            1, -1, 1
        )
    count = weights.sum(1).clamp(min=1e-9)
    return (tokens * weights).sum(1) / (count.sqrt() if mode == "mean_sqrt_len_tokens" else count)


class Dense(nn.Module):
    """activation(linear(x)); parameter names are the saved layout's."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True, activation: str = "Tanh") -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.activation = activation
        self.function: nn.Module = getattr(nn, activation)()

    def forward(self, vectors: Tensor) -> Tensor:
        """(n, inputs) to (n, outputs)."""
        result: Tensor = self.function(self.linear(vectors))
        return result


class Normalize(nn.Module):
    """Scale every vector to length one."""

    def forward(self, vectors: Tensor) -> Tensor:
        """(n, d) to (n, d)."""
        return nn.functional.normalize(vectors, dim=-1)


def fresh_cls_head(size: int, std: float, seed: int) -> Dense:
    """The Linear + Tanh head on [CLS], drawn as BERT draws its layers; the same seed gives the same head."""
    dense = Dense(size, size)
    with torch.no_grad():
        dense.linear.weight.normal_(0.0, std, generator=torch.Generator().manual_seed(seed))
        dense.linear.bias.zero_()
    return dense
