"""GGUF embedding models: the same vectors as the transformer they were written from, whatever the batches."""

from pathlib import Path

import gguf_bert
import numpy as np
import pytest
from gguf import PoolingType

from syncse_local.encoders.gguf import GgufEncoder
from syncse_local.encoders.open import open_encoder
from syncse_local.encoders.options import EncoderOptions
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError

SENTENCES = [
    "a man is playing the guitar.",
    "rain",
    "two dogs run, some men play!",
    *(f"the {word} train {n} was red" for n in range(60) for word in ("green", "late", "slow")),
    "",
    "the car is not red " * 40,  # longer than the model's 64 positions
    "a [SEP] in a text is [MASK] text, not a token",
]


def unit(vectors: np.ndarray) -> np.ndarray:
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


@pytest.mark.parametrize(("stored", "pooling"), [(PoolingType.MEAN, "avg"), (PoolingType.CLS, "cls_before_pooler")])
def test_vectors_are_those_of_the_transformer(
    stored: PoolingType, pooling: str, tiny_encoder: Path, tmp_path: Path
) -> None:
    path = gguf_bert.write(tiny_encoder, tmp_path / "bert.gguf", stored)
    encoder = open_encoder(path, EncoderOptions(device="cpu", threads=1))
    plain = SENTENCES[:-1]  # transformers takes [SEP] in a text for the token
    ours = encoder.encode(plain)
    encoder.close()
    theirs = unit(Encoder.load(tiny_encoder, pooling=pooling).encode(plain))
    assert encoder.settings["pooling"] == pooling
    assert encoder.notes == []
    assert np.abs(ours - theirs).max() < 2e-3
    assert (ours * theirs).sum(1).min() > 0.99999


def test_the_option_replaces_the_files_pooling(tiny_encoder: Path, tmp_path: Path) -> None:
    path = gguf_bert.write(tiny_encoder, tmp_path / "bert.gguf", PoolingType.MEAN)
    encoder = GgufEncoder(path, EncoderOptions(device="cpu", threads=1, pooling="cls_before_pooler"))
    theirs = unit(Encoder.load(tiny_encoder, pooling="cls_before_pooler").encode(SENTENCES[:3]))
    assert (encoder.encode(SENTENCES[:3]) * theirs).sum(1).min() > 0.99999


def test_special_tokens_in_a_sentence_are_plain_text(tiny_encoder: Path, tmp_path: Path) -> None:
    encoder = GgufEncoder(gguf_bert.write(tiny_encoder, tmp_path / "b.gguf"), EncoderOptions(device="cpu", threads=1))
    spelled, separated, spaced = encoder.encode(["red [SEP] car", "red car", "red [ SEP ] car"])
    assert float(spelled @ separated) < 0.999
    assert float(spelled @ spaced) == pytest.approx(1.0, abs=1e-5)


def test_max_length_cuts_and_keeps_the_closing_token(tiny_encoder: Path, tmp_path: Path) -> None:
    path = gguf_bert.write(tiny_encoder, tmp_path / "bert.gguf")
    encoder = GgufEncoder(path, EncoderOptions(device="cpu", threads=1, max_length=5))
    theirs = unit(Encoder.load(tiny_encoder, max_length=5, pooling="avg").encode(SENTENCES[:3]))
    assert (encoder.encode(SENTENCES[:3]) * theirs).sum(1).min() > 0.99999


def test_a_decoder_without_pooling_takes_the_mean_and_says_so(models_dir: Path) -> None:
    path = models_dir / "babyllama105" / "babyllama105-f16.gguf"
    if not path.exists():
        pytest.skip(f"no model at {path}; set SYNCSE_MODELS")
    encoder = GgufEncoder(path, EncoderOptions(device="cpu", threads=1))
    assert encoder.settings["pooling"] == "avg"
    assert any("names no pooling" in note for note in encoder.notes)
    together = encoder.encode(["Once there was a cat.", "A dog.", "Once there was a cat.", ""])
    alone = encoder.encode(["A dog."])
    assert np.isfinite(together).all()
    assert float(together[1] @ alone[0]) == pytest.approx(1.0, abs=1e-3)
    assert float(together[0] @ together[2]) == pytest.approx(1.0, abs=1e-3)
    last = GgufEncoder(path, EncoderOptions(device="cpu", threads=1, pooling="last_token")).encode(["A dog."])
    assert float(last[0] @ alone[0]) < 0.999


def test_what_llama_cpp_cannot_load_is_refused(tmp_path: Path, tiny_encoder: Path) -> None:
    good = gguf_bert.write(tiny_encoder, tmp_path / "good.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(good[: len(good) // 2])
    for name in ("cut.gguf", "absent.gguf"):
        with pytest.raises(SyncseError) as caught:
            open_encoder(tmp_path / name)
        assert caught.value.code == ExitCode.PREFLIGHT
    with pytest.raises(SyncseError, match="no pooling 'avg_top2'"):
        open_encoder(tmp_path / "good.gguf", EncoderOptions(pooling="avg_top2"))


def test_a_reranker_is_refused(tiny_encoder: Path, tmp_path: Path) -> None:
    path = gguf_bert.write(tiny_encoder, tmp_path / "rank.gguf", PoolingType.RANK)
    with pytest.raises(SyncseError, match="reranker"):
        open_encoder(path, EncoderOptions(device="cpu"))


def test_a_stop_is_heeded_between_batches(tiny_encoder: Path, tmp_path: Path) -> None:
    encoder = GgufEncoder(gguf_bert.write(tiny_encoder, tmp_path / "b.gguf"), EncoderOptions(device="cpu", threads=1))
    with pytest.raises(SyncseError) as caught:
        encoder.encode(SENTENCES, stop=lambda _: True)
    assert caught.value.code == ExitCode.INTERRUPTED
