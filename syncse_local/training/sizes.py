"""How much memory training takes, from an encoder's sizes. Arithmetic only: imports nothing."""

WEIGHT_BYTES = 16
"""A float32 weight, its gradient and AdamW's two moments."""


def token_bytes(hidden: int, layers: int, precision: str) -> int:
    """Activation bytes one token keeps for the backward pass: 34 values of hidden size a layer (arXiv 2205.05198)."""
    return hidden * layers * 17 * (2 if precision == "bf16" else 4)
