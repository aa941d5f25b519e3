"""Weights for words, as inverse document frequencies: each token's state times its weight."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from syncse_local.encoders.modules.states import TokenStates


class WordWeights(nn.Module):
    """A word is looked up as it stands, then in lower case; another has the weight `unknown`."""

    inputs = outputs = 0
    table: Tensor

    def __init__(self, vocabulary: Sequence[str], weights: Mapping[str, float], unknown: float) -> None:
        super().__init__()
        self.vocabulary, self.weights, self.unknown = list(vocabulary), dict(weights), unknown
        each = [weights.get(word, weights.get(word.lower(), unknown)) for word in vocabulary]
        self.register_buffer("table", torch.tensor(each, dtype=torch.float32), persistent=False)

    def settings(self) -> dict[str, Any]:
        """Its config.json."""
        return {"vocab": self.vocabulary, "word_weights": self.weights, "unknown_word_weight": self.unknown}

    def forward(self, found: TokenStates) -> TokenStates:
        """The same tokens with weighted states, and the sums of the weights."""
        weights = self.table[found.ids] * found.mask
        return replace(found, states=found.states * weights.unsqueeze(-1), weights=weights.sum(1))
