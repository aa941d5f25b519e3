"""Token states as a weighted mean over the transformer's layers."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from syncse_local.encoders.modules.states import TokenStates


class WeightedLayerPooling(nn.Module):
    """The mean of the hidden layers from `start` on (0 is the embedding layer) under fixed weights.

    Not `active`, it changes nothing: sentence-transformers passes it over where config.json does not ask for hidden states.
    """

    inputs = outputs = 0

    def __init__(self, start: int, weights: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.start, self.weights, self.active = start, weights, True

    def load_state_dict(self, state_dict: Any, *_: Any, **__: Any) -> None:
        """Take the weights, which are numbers here and nothing that trains. Raises RuntimeError where there are none."""
        weights = state_dict.get("layer_weights")
        if weights is None or weights.ndim != 1 or not len(weights) or not weights.sum():
            raise RuntimeError("no layer_weights")
        self.weights = tuple(weights.tolist())

    def tensors(self) -> dict[str, Tensor]:
        """What its model.safetensors holds."""
        return {"layer_weights": torch.tensor(self.weights)}

    @property
    def layers(self) -> int:
        """The transformer's layers, without the embedding layer."""
        return self.start + len(self.weights) - 1

    def settings(self) -> dict[str, Any]:
        """Its config.json, but for the width, which only the encoder knows."""
        return {"layer_start": self.start, "num_hidden_layers": self.layers}

    def forward(self, found: TokenStates) -> TokenStates:
        """The same tokens with other states."""
        if not self.active or found.layers is None:
            return found
        total = torch.zeros_like(found.states)
        for weight, layer in zip(self.weights, found.layers[self.start :], strict=True):
            if weight:
                total = total + weight * layer
        return replace(found, states=total / sum(self.weights))
