"""Convolutions over the tokens, several kernel sizes side by side."""

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from syncse_local.encoders.modules.states import TokenStates


class CNN(nn.Module):
    """A token's new state depends on its neighbours, and so on padding where there is any."""

    def __init__(self, inputs: int, channels: int, kernels: tuple[int, ...], strides: tuple[int, ...]) -> None:
        super().__init__()
        self.inputs, self.channels, self.kernels, self.strides = inputs, channels, kernels, strides
        self.convs = nn.ModuleList(
            nn.Conv1d(inputs, channels, size, stride=stride, padding=(size - 1) // 2)
            for size, stride in zip(kernels, strides, strict=True)
        )

    @property
    def outputs(self) -> int:
        """The width it makes."""
        return self.channels * len(self.kernels)

    def settings(self) -> dict[str, Any]:
        """Its cnn_config.json, by the names that all releases know."""
        sizes = {"kernel_sizes": list(self.kernels), "stride_sizes": list(self.strides)}
        return {"in_word_embedding_dimension": self.inputs, "out_channels": self.channels, **sizes}

    def forward(self, found: TokenStates) -> TokenStates:
        """Other states; where a stride or an even kernel changes their number, every one of them counts."""
        along = found.states.transpose(1, 2)
        states = torch.cat([conv(along) for conv in self.convs], 1).transpose(1, 2)
        if states.shape[1] == found.mask.shape[1]:
            return replace(found, states=states)
        return replace(found, states=states, mask=found.mask.new_ones(states.shape[:2]))
