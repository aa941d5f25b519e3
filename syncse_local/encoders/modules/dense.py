"""A linear layer with an activation, optionally added to what it was given."""

from typing import Any

import torch
from torch import Tensor, nn


class Dense(nn.Module):
    """activation(linear(x)), plus x (through `residual`, where sizes differ); parameter names are the saved layout's."""

    def __init__(
        self, inputs: int, outputs: int, bias: bool = True, activation: str = "Tanh", residual: bool = False
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.activation = activation
        self.activation_function: nn.Module = getattr(nn, activation)()
        self.adds = residual
        self.residual = nn.Linear(inputs, outputs, bias=False) if residual and inputs != outputs else None
        self.inputs = inputs
        with torch.no_grad():
            self.outputs = int(self(torch.zeros(1, inputs)).shape[-1])  # GLU halves it

    def settings(self) -> dict[str, Any]:
        """Its config.json; what is at its default is left out where older releases do not know it."""
        place = "linear" if self.activation == "Identity" else "activation"
        return {
            "in_features": self.linear.in_features,
            "out_features": self.linear.out_features,
            "bias": self.linear.bias is not None,
            "activation_function": f"torch.nn.modules.{place}.{self.activation}",
            **({"use_residual": True} if self.adds else {}),
        }

    def forward(self, vectors: Tensor) -> Tensor:
        """(..., inputs) to (..., outputs)."""
        result: Tensor = self.activation_function(self.linear(vectors))
        if self.adds:
            result = result + (vectors if self.residual is None else self.residual(vectors))
        return result
