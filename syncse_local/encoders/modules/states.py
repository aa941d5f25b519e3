"""What passes between the modules before the pooling: the tokens' states and what is known of the tokens."""

from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class TokenStates:
    """`states` (n, length, d); `mask` and `ids` (n, length), padding on the right; `layers` all hidden states, where asked for.

    `weights` (n,) are what a weighted mean divides by, where tokens have been weighted; else the mask's sums are.
    """

    states: Tensor
    mask: Tensor
    ids: Tensor
    layers: tuple[Tensor, ...] | None = None
    weights: Tensor | None = None


class OnTokens(nn.Module):
    """A module of vectors, put on every token's state."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    @property
    def inputs(self) -> int:
        """The width it takes; 0: any."""
        return int(self.module.inputs)

    @property
    def outputs(self) -> int:
        """The width it makes; 0: the one it is given."""
        return int(self.module.outputs)

    def settings(self) -> dict[str, object]:
        """Its config.json."""
        places = {"module_input_name": "token_embeddings", "module_output_name": "token_embeddings"}
        return {**self.module.settings(), **places}

    def forward(self, found: TokenStates) -> TokenStates:
        """The same tokens with other states."""
        return replace(found, states=self.module(found.states))
