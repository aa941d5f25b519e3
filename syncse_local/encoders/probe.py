"""What a loaded transformer does, found by asking it: how far it reads, which way, and what padding does to it.

The files say it in many ways or not at all. Knows no pooling.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from syncse_local.modelfiles.encoder_files import refuse

UNSAID = 512  # tokens, where neither model nor tokenizer states a longest input: BERT's and T5's; nobody's sentence is longer
_ENDLESS = 10**9  # a tokenizer without a limit states a number of thirty digits
_POSITIONS = ("embed_positions", "position_embedding", "position_embeddings", "wpe")


@dataclass(frozen=True)
class Longest:
    """The longest input in tokens; `most` is what the model has positions for (0: it has no such bound)."""

    tokens: int
    most: int
    said: bool = True

    def asked(self, tokens: int) -> int:
        """The longest input where a person asks for so many tokens."""
        bound = self.tokens if self.said else self.most
        return min(tokens, bound) if bound else tokens


def longest_input(model: Any, tokenizer: Any, stated: int) -> Longest:
    """`stated` is max_seq_length of sentence-transformers' files (0: none), which comes before the tokenizer's own limit."""
    most = _positions(model)
    limits = [most, stated] if stated else [most, _own_positions(model), int(tokenizer.model_max_length or 0)]
    known = [limit for limit in limits if 0 < limit < _ENDLESS]
    return Longest(max(3, min(known, default=UNSAID)), most, bool(known))


def _own_positions(model: Any) -> int:
    value = getattr(model.config, "max_position_embeddings", 0)
    return value if isinstance(value, int) else 0


def _positions(model: Any) -> int:
    """Rows of the model's table of positions; where the first are padding's (RoBERTa, MPNet, Longformer), without those."""
    for name, module in model.named_modules():
        if name.rsplit(".", 1)[-1] in _POSITIONS and isinstance(module, nn.Embedding):
            before = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings) - int(getattr(module, "offset", before))
    return 0


def state_width(model: Any) -> int:
    """Numbers of a token's last state."""
    config = model.config.get_text_config()
    found = getattr(config, "word_embed_proj_dim", None) or getattr(config, "hidden_size", None)  # OPT projects them
    if not isinstance(found, int):
        detail = f"config.json of {config.model_type} does not say how wide its states are."
        raise refuse("Not an encoder", detail, "Use a BERT- or RoBERTa-style encoder, or a decoder.")
    return found


@torch.no_grad()
def is_causal(model: Any) -> bool:
    """Whether a token sees only those before it: the first one's state does not change with the second."""
    states = _states(model, torch.tensor([[3, 4], [3, 5]]), torch.ones(2, 2, dtype=torch.int64))
    return bool(torch.allclose(states[0, 0], states[1, 0], atol=1e-6))


@torch.no_grad()
def minds_padding(model: Any) -> bool:
    """Whether a sentence's states change with the padding behind it (convolutions, pooled or unmasked attention).

    A model that gives fewer states than tokens does: padding is pooled with them.
    """
    ids = torch.tensor([[3, 4, 5, 6, 0, 0, 0], [3, 4, 5, 6, 4, 5, 6]])
    mask = (torch.arange(7) < torch.tensor([[4], [7]])).long()
    together, alone = _states(model, ids, mask), _states(model, ids[:1, :4], mask[:1, :4])
    same = together.shape[1] == 7 and torch.allclose(together[0, :4], alone[0], atol=1e-4)
    return not same


def _states(model: Any, ids: Tensor, mask: Tensor) -> Tensor:
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    ids = ids.to(device) % model.get_input_embeddings().weight.shape[0]
    states: Tensor = model(input_ids=ids, attention_mask=mask.to(device)).last_hidden_state
    model.train(training)
    return states


@dataclass(frozen=True)
class TokenTypes:
    """The segment that a tokenizer gives each token of a single text: its opening tokens, the text's, its closing ones."""

    opening: tuple[int, ...]
    inner: int
    closing: tuple[int, ...]

    def of(self, mask: Tensor) -> Tensor:
        """(n, length) segments; `mask` is 1 for tokens, with padding on the right."""
        found, lengths = torch.full_like(mask, self.inner), mask.sum(1, keepdim=True)
        places = torch.arange(mask.shape[1], device=mask.device)
        for place, kind in enumerate(self.opening):
            found[:, place : place + 1] = kind
        for back, kind in enumerate(reversed(self.closing), start=1):
            found = torch.where(places == lengths - back, kind, found)
        return found


def token_types(model: Any, tokenizer: Any) -> TokenTypes | None:
    """None where the model is given none, or only the one that it assumes anyway. XLNet assumes none: it adds them up."""
    if "token_type_ids" not in tokenizer.model_input_names:
        return None
    probe = tokenizer("a man", return_token_type_ids=True, return_special_tokens_mask=True)
    kinds, special = list(probe["token_type_ids"]), list(probe["special_tokens_mask"])
    if model.config.model_type != "xlnet" and not any(kinds):
        return None
    inside = [place for place, marked in enumerate(special) if not marked] or [0]
    first, last = inside[0], inside[-1] + 1
    return TokenTypes(tuple(kinds[:first]), int(kinds[first]), tuple(kinds[last:]))
