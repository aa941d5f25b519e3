"""A transformers or sentence-transformers directory as an encoder, with its own pooling unless another is named."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syncse_local.encoders.base import Stop, refused
from syncse_local.encoders.device import pick_device
from syncse_local.encoders.options import EncoderOptions
from syncse_local.encoders.transformer import Encoder
from syncse_local.modelfiles.encoder_layout import read_layout
from syncse_local.specs.choices import POOLINGS


class TransformerEncoder:
    """`training.encoder.Encoder` under the evaluation's protocol; float32, length-sorted batches."""

    def __init__(self, path: Path, options: EncoderOptions) -> None:
        if options.pooling and options.pooling not in POOLINGS:
            raise refused(f"There is no pooling {options.pooling!r} for {path}.", f"Known are {', '.join(POOLINGS)}.")
        own = read_layout(path).own
        device = pick_device(options.device)
        self._encoder = Encoder.load(path, device, options.max_length, options.pooling or None)
        self.settings = {
            "pooling": options.pooling or ("own" if own else "avg"),
            "max_length": self._encoder.max_length,
            "precision": "float32",
            "engine": f"torch {device}",
        }
        unsaid = not own and not options.pooling
        self.notes = ["the directory names no pooling: the mean of the tokens is taken (--pooling)"] if unsaid else []

    def encode(self, sentences: Sequence[str], stop: Stop | None = None) -> NDArray[np.float32]:
        """See `SentenceEncoder.encode`."""
        return self._encoder.encode(sentences, stop=stop)

    def close(self) -> None:
        """Let the weights go."""
        del self._encoder
