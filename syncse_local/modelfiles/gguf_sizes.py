"""The sizes that a GGUF header states: what decides how much memory a model needs. Knows no engine and opens no file.

A layer remembers a sequence by cells (keys and values of each token), by a state of fixed size, or by both; the rules are
those of llama.cpp's `llama_hparams` (n_embd_k_gqa, n_embd_r, n_embd_s).
"""

from collections.abc import Mapping

from syncse_local.modelfiles.entry import Dimensions
from syncse_local.modelfiles.gguf_reader import LongArray, Value
from syncse_local.modelfiles.reading import size

BOTH = ("falcon-h1",)
"""Architectures whose every layer has cells and a state; elsewhere a layer without keys has a state."""


def dimensions(architecture: str, metadata: Mapping[str, Value]) -> Dimensions:
    """Sizes of a model of this architecture; 0 where the header does not say."""
    stated = _Stated(architecture, metadata)
    layers, hidden, heads = (
        stated.one("block_count"),
        stated.one("embedding_length"),
        stated.most("attention.head_count"),
    )
    width = hidden // heads if heads else 0
    key = stated.one("attention.key_length") or width
    value = stated.one("attention.value_length") or width
    kv_heads = _kv_heads(stated, layers, heads)
    states = layers if architecture in BOTH else kv_heads.count(0)
    return Dimensions(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_values=sum(kv_heads) * (key + value),
        vocabulary=_vocabulary(metadata) or stated.one("vocab_size"),
        inner=stated.most("feed_forward_length"),
        state_values=states * _state(stated, hidden),
    )


class _Stated:
    """The numbers of one architecture, by the key's end."""

    def __init__(self, architecture: str, metadata: Mapping[str, Value]) -> None:
        self._architecture, self._metadata = architecture, metadata

    def get(self, key: str) -> Value | None:
        return self._metadata.get(f"{self._architecture}.{key}")

    def one(self, key: str) -> int:
        return size(self.get(key))

    def most(self, key: str) -> int:
        """A number that may be stated for each layer: the largest."""
        stated = self.get(key)
        return max((size(each) for each in stated), default=0) if isinstance(stated, tuple) else size(stated)


def _kv_heads(stated: _Stated, layers: int, heads: int) -> list[int]:
    """Key-value heads of each layer; a model may have another number in each, or none where a state stands instead."""
    given = stated.get("attention.head_count_kv")
    if isinstance(given, tuple):
        return [size(each) for each in given]
    every = stated.one("full_attention_interval")
    count = size(given) or heads
    return [0 if every and (layer + 1) % every else count for layer in range(layers)]


def _state(stated: _Stated, hidden: int) -> int:
    """Numbers that one layer's state has for each sequence: what its convolution looks back on, and what it has summed up."""
    one = stated.one
    if one("wkv.head_size"):
        return (one("token_shift_count") or 2) * hidden + hidden * one("wkv.head_size")
    if one("shortconv.l_cache"):
        return hidden * (one("shortconv.l_cache") - 1)
    inner, state = one("ssm.inner_size"), one("ssm.state_size")
    looked_back = max(0, one("ssm.conv_kernel") - 1) * (inner + 2 * one("ssm.group_count") * state)
    return looked_back + state * inner


def _vocabulary(metadata: Mapping[str, Value]) -> int:
    tokens = metadata.get("tokenizer.ggml.tokens")
    if isinstance(tokens, LongArray):
        return tokens.length
    return len(tokens) if isinstance(tokens, tuple) else 0
