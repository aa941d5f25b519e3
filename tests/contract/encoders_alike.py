"""Whether an encoder directory gives the same vectors here and in sentence-transformers. Tests nothing itself."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from syncse_local.encoders.base import SentenceEncoder
from syncse_local.encoders.open import open_encoder
from syncse_local.encoders.options import EncoderOptions

SENTENCES = [
    "A man is playing a guitar.",
    "Rain.",
    "Two dogs run over the very wide green field today.",
    "RAIN, not train",
]
ON_CPU = EncoderOptions(device="cpu")


def theirs(path: Path, prompt: str | None = None) -> NDArray[np.float32]:
    """Their vectors, one text a batch: where padding changes a vector, theirs depend on the company it is in."""
    found: NDArray[np.float32] = model(path).encode(SENTENCES, batch_size=1, prompt=prompt)
    return found


def model(path: Path) -> Any:
    """The directory, loaded by sentence-transformers."""
    return SentenceTransformer(str(path), device="cpu", local_files_only=True)


def alike(path: Path, prompt: str | None = None) -> SentenceEncoder:
    """Our encoder of the directory, after its vectors were found to be theirs to 1e-5."""
    encoder = open_encoder(path, ON_CPU)
    ours, other = encoder.encode(SENTENCES, prompt=prompt), theirs(path, prompt)
    assert ours.shape == other.shape
    assert np.isfinite(other).all()
    assert np.ptp(ours, axis=0).max() > 1e-3
    assert np.abs(ours - other).max() < 1e-5
    return encoder


def edit(file: Path, **changes: Any) -> None:
    """Change a JSON file's values; None takes a key away."""
    old = json.loads(file.read_text()) if file.exists() else {}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({name: value for name, value in {**old, **changes}.items() if value is not None}))
