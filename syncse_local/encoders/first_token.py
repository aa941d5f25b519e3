"""A BERT-like encoder whose last layer computes the first token alone, for pooling that looks at no other.

Keys and values are of all tokens, as always; queries, the feed-forward part and their gradients are of one. The first token's
state and all gradients are the same; one layer is a sixth of a small encoder. Knows no pooling.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

KNOWN = ("bert", "camembert", "electra", "roberta", "xlm-roberta")
"""Model types whose layers are built of BERT's parts, under BERT's names."""
MASKED = ("eager", "sdpa")


@contextmanager
def first_token_only(model: Any) -> Iterator[None]:
    """While it lasts, `last_hidden_state` of a model of a KNOWN type is (n, 1, d); of another model it is as ever."""
    layers = _layers(model)
    if layers is None:
        yield
        return
    whole = layers[-1]
    layers[-1] = _FirstToken(whole)
    try:
        yield
    finally:
        layers[-1] = whole


class _FirstToken(nn.Module):
    """BERT's layer with one query a sentence."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, states: Tensor, mask: Tensor | None = None, *_: object, **__: object) -> Tensor:
        """(n, length, d) states of all tokens, and the attention mask as the model makes it, to (n, 1, d)."""
        attention, first = self.layer.attention.self, states[:, :1]
        query, key, value = (
            part(given).unflatten(-1, (-1, attention.attention_head_size)).transpose(1, 2)
            for part, given in ((attention.query, first), (attention.key, states), (attention.value, states))
        )
        dropout = attention.dropout.p if self.layer.training else 0.0
        seen = None if mask is None else mask[:, :, :1]
        found = scaled_dot_product_attention(query, key, value, seen, dropout).transpose(1, 2).flatten(-2)
        attended = self.layer.attention.output(found, first)
        made: Tensor = self.layer.output(self.layer.intermediate(attended), attended)
        return made


def _layers(model: Any) -> nn.ModuleList | None:
    """The layers of a model of a KNOWN type, of transformers' own code and no decoder; else None.

    Other kinds of attention than MASKED are given masks of other shapes.
    """
    config = model.config
    if config.model_type not in KNOWN or config.is_decoder or config._attn_implementation not in MASKED:
        return None
    adapted = model.base_model  # the model itself, or what peft has put around it
    base = getattr(adapted, "model", adapted)
    if not type(base).__module__.startswith("transformers."):
        return None
    found: nn.ModuleList = base.encoder.layer
    return found
