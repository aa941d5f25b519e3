"""How an encoder is to be opened. Knows no encoder and imports nothing."""

from dataclasses import dataclass

POOLINGS = ("avg", "cls_before_pooler", "avg_top2", "avg_first_last", "last_token")
"""Poolings that may replace an encoder's own; not every kind has each."""


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """`pooling` empty: the encoder's own; `max_length` 0: its own; `threads` 0: as many as are free."""

    device: str = "auto"
    pooling: str = ""
    max_length: int = 0
    threads: int = 0


AS_IT_IS = EncoderOptions()
