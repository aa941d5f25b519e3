"""A transformers or sentence-transformers directory as an encoder, with its own pooling unless another is named."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.encoders.base import Stop, refused
from syncse_local.encoders.device import pick_device
from syncse_local.encoders.options import EncoderOptions
from syncse_local.encoders.transformer import Encoder
from syncse_local.modelfiles.encoder_layout import Layout, read_layout
from syncse_local.specs.choices import POOLINGS


class TransformerEncoder:
    """`transformer.Encoder` under the evaluation's protocol; float32, length-sorted batches. No head is drawn."""

    def __init__(self, path: Path, options: EncoderOptions) -> None:
        if options.pooling and options.pooling not in POOLINGS:
            raise refused(f"There is no pooling {options.pooling!r} for {path}.", f"Known are {', '.join(POOLINGS)}.")
        layout = read_layout(path)
        device = pick_device(options.device)
        self._encoder = Encoder.load(path, device, options.max_length, options.pooling or None, seed=None)
        self.prompts, self.similarity = self._encoder.prompts, self._encoder.similarity
        named = {"cls": "cls", "lasttoken": "last_token"}.get(layout.pooling.modes[0], "avg")
        self.settings: dict[str, Any] = {
            "pooling": options.pooling or ("own" if layout.own else named),
            "max_length": self._encoder.max_length,
            "precision": "float32",
            "engine": f"torch {device}",
            **_own_ways(self._encoder),
        }
        self.notes = [] if options.pooling else [*layout.notes]
        self.notes += _passed_over(layout, self._encoder)

    def encode(
        self, sentences: Sequence[str], stop: Stop | None = None, prompt: str | None = None
    ) -> NDArray[np.float32]:
        """See `SentenceEncoder.encode`."""
        return self._encoder.encode(sentences, stop=stop, prompt=prompt)

    def close(self) -> None:
        """Let the weights go."""
        del self._encoder


def _own_ways(encoder: Encoder) -> dict[str, Any]:
    """What the model's files ask for beside the pooling; nothing where they ask for nothing."""
    ways: dict[str, Any] = {
        "prompt": encoder.prompt,
        "dimension": min(encoder.truncate, encoder.dimension),
        "similarity": encoder.similarity if encoder.similarity != "cosine" else "",
    }
    return {name: value for name, value in ways.items() if value}


def _passed_over(layout: Layout, encoder: Encoder) -> list[str]:
    """What a reader might expect of the directory and does not get."""
    notes = []
    if any(spec.kind == "WeightedLayerPooling" for spec in layout.tokens) and not encoder.wants_layers:
        notes.append(
            "config.json does not ask for hidden states: the layer weights are passed over, as sentence-transformers does"
        )
    if not encoder.length_said:
        notes.append(
            f"neither the model nor its tokenizer states a longest input: texts are cut at {encoder.max_length} tokens "
            "(--max-length)"
        )
    return notes
