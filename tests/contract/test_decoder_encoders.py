"""Decoders as sentence encoders: last-token and mean pooling, padding on the right, and what sentence-transformers loads."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from syncse_local.encoders.probe import is_causal
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found
from syncse_local.training.loop import train
from tests.unit.training_setup import Listener, dev_pairs, options, triplets

SENTENCES = ["A man is playing a guitar.", "Rain.", "Two dogs run over the very wide green field today.", "", " "]


def _same(path: Path, ours: np.ndarray) -> None:
    """sentence-transformers gives the same vectors, however it batches; it cannot encode an empty text without tokens."""
    model = SentenceTransformer(str(path), device="cpu")
    texts = [text for text in SENTENCES if text.strip()]
    assert np.abs(model.encode(texts) - ours[: len(texts)]).max() < 1e-5
    assert np.abs(model.encode(texts, batch_size=1) - ours[: len(texts)]).max() < 1e-5


@pytest.mark.parametrize(("pooling", "switch"), [("last_token", "lasttoken"), ("avg", "mean_tokens")])
def test_a_trained_decoder_is_the_same_in_sentence_transformers(
    random_llama: Path, tmp_path: Path, pooling: str, switch: str
) -> None:
    opts = options(random_llama, tmp_path, pooling=pooling, max_steps=4)
    result = train(opts, triplets(), dev_pairs(), Listener())
    assert result.best_score is not None
    encoder = Encoder.load(opts.output)
    ours = encoder.encode(SENTENCES)
    assert np.isfinite(ours).all()
    _same(opts.output, ours)
    config = json.loads((opts.output / "1_Pooling" / "config.json").read_text())
    assert config[f"pooling_mode_{switch}"] is True
    assert sum(value is True for value in config.values()) == 1
    before = Encoder.load(random_llama, pooling=pooling).encode(SENTENCES)
    assert np.abs(before - ours).max() > 1e-3
    entry = describe(Found("mine", "path", opts.output))
    assert (entry.kind, entry.backends, entry.problem) == ("encoder", ("train",), "")


def test_the_last_token_is_the_sentences_own_not_the_padding(random_llama: Path) -> None:
    encoder = Encoder.load(random_llama, pooling="last_token")
    together = encoder.encode(SENTENCES)
    for text, vector in zip(SENTENCES, together, strict=True):
        rows = encoder.tokenize([text])
        ids, mask = rows.padded(np.arange(1), torch.device("cpu"))
        with torch.no_grad():
            last = encoder.model(input_ids=ids, attention_mask=mask).last_hidden_state[0, -1]
        assert np.abs(vector - last.numpy()).max() < 1e-5, text


@pytest.mark.parametrize("pooling", ["cls", "cls_before_pooler"])
def test_the_first_token_of_a_decoder_is_refused(random_llama: Path, tmp_path: Path, pooling: str) -> None:
    with pytest.raises(SyncseError, match="Wrong pooling") as caught:
        train(options(random_llama, tmp_path, pooling=pooling), triplets(), [], Listener())
    assert caught.value.code == ExitCode.PREFLIGHT
    assert "last_token" in caught.value.hint


def test_a_decoder_is_told_from_an_encoder(random_llama: Path, tiny_encoder: Path) -> None:
    assert is_causal(Encoder.load(random_llama).model)
    assert not is_causal(Encoder.load(tiny_encoder).model)


def test_a_tokenizer_without_padding_that_pads_left_is_put_right(random_llama: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(random_llama, tmp_path / "model"))
    config = json.loads((path / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (path / "tokenizer_config.json").write_text(json.dumps({**config, "padding_side": "left"}))
    encoder = Encoder.load(path, pooling="last_token")
    assert encoder.tokenizer.pad_token == encoder.tokenizer.eos_token
    ours = encoder.encode(SENTENCES)
    assert np.abs(ours - Encoder.load(random_llama, pooling="last_token").encode(SENTENCES)).max() < 1e-6
    encoder.save(tmp_path / "saved")
    _same(tmp_path / "saved", ours)


def test_a_real_decoder_trains_and_loads_elsewhere(models_dir: Path, tmp_path: Path) -> None:
    opts = options(models_dir / "babyllama105", tmp_path, pooling="last_token", max_steps=2, batch_size=16)
    train(opts, triplets(), [], Listener())
    _same(opts.output, Encoder.load(opts.output).encode(SENTENCES))
