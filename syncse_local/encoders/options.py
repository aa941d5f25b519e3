"""How an encoder is opened, pooled and placed, for training and evaluation alike. Knows no encoder and imports nothing."""

from dataclasses import dataclass

POOLINGS = ("cls", "avg", "cls_before_pooler", "avg_top2", "avg_first_last", "last_token")
"""Poolings that training may choose; the names are SimCSE's."""
OVERRIDES = tuple(name for name in POOLINGS if name != "cls")
"""Poolings that may replace a finished encoder's own: all but `cls`, whose head only training makes."""
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("fp32", "bf16")


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """`pooling` empty: the encoder's own; `max_length` 0: its own; `threads` 0: as many as are free."""

    device: str = "auto"
    pooling: str = ""
    max_length: int = 0
    threads: int = 0


AS_IT_IS = EncoderOptions()
