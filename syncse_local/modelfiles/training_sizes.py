"""How much memory training takes, from an encoder's sizes. Arithmetic only: imports nothing."""

FLOAT = 4
"""Bytes of a float32 weight; so much again is its gradient, and twice as much AdamW's two moments."""


def token_bytes(hidden: int, layers: int, precision: str) -> int:
    """Activation bytes one token keeps for the backward pass: 34 values of hidden size a layer (arXiv 2205.05198).

    In 32 bits 17 are kept. Under autocast to bf16 it is 40 bytes: sums, softmax and LayerNorm stay in 32 bits (docs/log.md).
    """
    return hidden * layers * (40 if precision == "bf16" else 17 * FLOAT)


def lora_parameters(rank: int, hidden: int, inner: int, layers: int) -> int:
    """Numbers in LoRA's adapters at most: four attention and three feed-forward matrices a layer (arXiv 2106.09685)."""
    return rank * layers * (4 * 2 * hidden + 3 * (hidden + inner))
