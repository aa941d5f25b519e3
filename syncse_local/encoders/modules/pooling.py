"""From tokens' states to one vector: sentence-transformers' modes, side by side where there are several."""

import torch
from torch import Tensor, nn

from syncse_local.encoders.modules.states import TokenStates


class Pooling(nn.Module):
    """`include_prompt` False leaves the prompt's tokens out."""

    def __init__(self, modes: tuple[str, ...] = ("mean",), include_prompt: bool = True) -> None:
        super().__init__()
        self.modes, self.include_prompt = modes, include_prompt

    def forward(self, found: TokenStates, skip: int = 0) -> Tensor:
        """(n, modes times d); the first `skip` tokens of every text are left out."""
        parts = [pool(mode, found.states, found.mask, skip, found.weights) for mode in self.modes]
        return torch.cat(parts, dim=-1)


def pool(mode: str, tokens: Tensor, mask: Tensor, skip: int = 0, weights: Tensor | None = None) -> Tensor:
    """(n, length, d) states and their (n, length) mask to (n, d); padding is on the right, `skip` tokens do not count.

    Of a text that has no token left, `cls` is the first state, `max` minus infinity and every other mode zero, as in
    sentence-transformers. A mean divides by `weights` (n,), where given, in place of the number of tokens.
    """
    rows, lengths = torch.arange(len(tokens), device=tokens.device), mask.sum(1)
    if mode == "cls":
        return tokens[rows, torch.where(lengths > skip, skip, 0)] if skip else tokens[:, 0]
    if mode == "lasttoken":
        return tokens[rows, lengths.clamp(min=1) - 1] * (lengths > skip).unsqueeze(-1)
    counted = mask.unsqueeze(-1).to(tokens.dtype)
    if skip:
        counted = counted * (torch.arange(mask.shape[1], device=mask.device) >= skip).view(1, -1, 1)
    if mode == "max":
        return tokens.masked_fill(counted == 0, float("-inf")).amax(1)
    if mode == "weightedmean":
        places = torch.arange(1, tokens.shape[1] + 1, device=tokens.device, dtype=tokens.dtype)
        counted = counted * places.view(1, -1, 1)
    count = (counted.sum(1) if weights is None else weights.unsqueeze(-1)).clamp(min=1e-9)
    return (tokens * counted).sum(1) / (count.sqrt() if mode == "mean_sqrt_len_tokens" else count)
