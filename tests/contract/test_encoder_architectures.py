"""Every architecture gives sentence-transformers' vectors, to 1e-5: as it is, cut at its positions, and trained and saved."""

from pathlib import Path

import numpy as np
import pytest

from syncse_local.encoders.probe import UNSAID
from syncse_local.encoders.transformer import Encoder
from syncse_local.training.loop import train
from tests.contract.encoders_alike import SENTENCES, alike, model
from tests.contract.random_encoders import ALL, DECODERS, HALVES, write
from tests.unit.training_setup import Listener, options, triplets

LONG = "two dogs run over the green train " * 99
ENDLESS = (*HALVES, "funnel", "funnel-base", "xlnet")
"""Those that have no positions to run out of."""


@pytest.mark.parametrize("kind", ALL)
def test_random_weights_give_the_same_vectors(kind: str, tmp_path: Path) -> None:
    """The tokenizer states no length: texts are cut where the model's positions end, or at 512 tokens and that is said."""
    path = write(kind, tmp_path / "model", longest=None)
    encoder = alike(path)
    longest = UNSAID if kind in ENDLESS else 64
    assert encoder.settings["max_length"] == longest
    assert any("states a longest input" in note for note in encoder.notes) == (kind in ENDLESS)
    library = model(path)
    library.max_seq_length = longest
    assert (
        np.abs(library.encode([LONG, SENTENCES[0]], batch_size=1) - encoder.encode([LONG, SENTENCES[0]])).max() < 1e-5
    )


@pytest.mark.parametrize("kind", ["convbert", "fnet", "funnel", "mobilebert"])
def test_padding_changes_no_vector_where_it_would_change_states(kind: str, tmp_path: Path) -> None:
    encoder = Encoder.load(write(kind, tmp_path / "model"))
    alone = np.concatenate([encoder.encode([text]) for text in SENTENCES])
    assert np.abs(encoder.encode(SENTENCES) - alone).max() < 1e-5
    assert encoder.encode([]).shape == (0, 32)


@pytest.mark.parametrize("kind", ["modernbert", "mpnet", "t5", "xlnet", "opt", "gemma3_text", "deberta-v2"])
def test_a_trained_encoder_is_the_same_there(kind: str, tmp_path: Path) -> None:
    path = write(kind, tmp_path / "model")
    opts = options(path, tmp_path, pooling="last_token" if kind in DECODERS else "avg", max_steps=1)
    train(opts, triplets(16), [], Listener())
    trained = alike(opts.output)
    assert np.abs(trained.encode(SENTENCES) - Encoder.load(path, pooling=opts.pooling).encode(SENTENCES)).max() > 1e-4
