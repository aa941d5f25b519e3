"""How an encoder is opened, pooled and placed, for training and evaluation alike. Knows no encoder and imports nothing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """`pooling` empty: the encoder's own; `max_length` 0: its own; `threads` 0: as many as are free."""

    device: str = "auto"
    pooling: str = ""
    max_length: int = 0
    threads: int = 0


AS_IT_IS = EncoderOptions()
