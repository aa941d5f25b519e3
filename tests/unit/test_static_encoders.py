"""Static embeddings and word vectors: the libraries' figures, and every kind of damage as one clear error."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from syncse_local.encoders.open import open_encoder
from syncse_local.encoders.options import EncoderOptions
from syncse_local.encoders.static import StaticEncoder
from syncse_local.encoders.word_vectors import WordVectors
from syncse_local.errors import ExitCode, SyncseError

SENTENCES = ["a man is playing", "rain rain train", "unheard words", "", "A man ."]
WORDS = ["[UNK]", "a", "man", "is", "playing", "rain", "train", "."]
TABLE = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


@pytest.mark.parametrize("normalize", [False, True])
def test_sentence_transformers_static_module(normalize: bool, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding

    modules: list[Any] = [StaticEmbedding(tokenizer(), embedding_weights=TABLE)]
    theirs = SentenceTransformer(modules=[*modules, *([Normalize()] if normalize else [])], device="cpu")
    theirs.save(str(tmp_path / "model"))
    ours = open_encoder(tmp_path / "model")
    assert isinstance(ours, StaticEncoder)
    assert np.abs(ours.encode(SENTENCES) - theirs.encode(SENTENCES)).max() < 1e-6


def model2vec(path: Path, **more: Any) -> Path:
    path.mkdir()
    (path / "config.json").write_text(json.dumps({"model_type": "model2vec", "normalize": True}))
    tokenizer().save(str(path / "tokenizer.json"))
    save_file({"embeddings": TABLE, **more}, path / "model.safetensors")
    return path


def test_model2vec_leaves_unknown_tokens_out_and_weighs_the_rest(tmp_path: Path) -> None:
    weights = np.linspace(0.1, 1, len(WORDS)).astype(np.float32)
    mapping = np.array([0, 1, 2, 3, 4, 5, 5, 6])  # two tokens with one row
    found = open_encoder(model2vec(tmp_path / "m", weights=weights, mapping=mapping)).encode(SENTENCES)
    expected = (TABLE[5] * weights[5] * 2 + TABLE[5] * weights[6]) / 3
    assert np.allclose(found[1], expected / np.linalg.norm(expected), atol=1e-6)
    assert not found[2].any()
    assert not found[3].any()
    upper = (TABLE[2] * weights[2] + TABLE[6] * weights[7]) / 2  # "A" is unknown
    assert np.allclose(found[4], upper / np.linalg.norm(upper), atol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p / "tokenizer.json").unlink(), "tokenizer.json is missing"),
        (lambda p: (p / "tokenizer.json").write_text("{}"), "is no tokenizer"),
        (lambda p: (p / "model.safetensors").unlink(), "pickled weights are not read"),
        (lambda p: (p / "model.safetensors").write_bytes(b"\x80\x04cut"), "not a readable safetensors"),
        (lambda p: save_file({"other": TABLE}, p / "model.safetensors"), "has no table"),
        (lambda p: save_file({"embeddings": TABLE[:3]}, p / "model.safetensors"), "table of 3 rows does not fit"),
        (lambda p: save_file({"embeddings": TABLE * np.nan}, p / "model.safetensors"), "NaN or infinite"),
        (
            lambda p: save_file({"embeddings": TABLE, "mapping": np.full(8, 99)}, p / "model.safetensors"),
            "does not fit",
        ),
    ],
)
def test_a_damaged_model_is_refused(spoil: Any, says: str, tmp_path: Path) -> None:
    path = model2vec(tmp_path / "m")
    spoil(path)
    with pytest.raises(SyncseError, match=says) as caught:
        open_encoder(path)
    assert caught.value.code == ExitCode.PREFLIGHT


def test_a_foreign_module_after_the_table_is_refused(tmp_path: Path) -> None:
    kinds = ["sentence_transformers.models.StaticEmbedding", "evil.module.Code"]
    (tmp_path / "modules.json").write_text(json.dumps([{"type": kind, "path": ""} for kind in kinds]))
    with pytest.raises(SyncseError, match="wants to run code"):
        open_encoder(tmp_path)


def vectors(path: Path, header: bool = False, extra: str = "") -> Path:
    rows = [f"{word} {' '.join(map(str, row))}" for word, row in zip(WORDS[1:], TABLE[1:], strict=True)]
    text = "\n".join([*([f"{len(rows)} 5"] if header else []), *rows]) + "\n" + extra
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize(("name", "header"), [("glove.txt", False), ("w2v.vec", True), ("glove.txt.gz", False)])
def test_word_vectors_are_averaged_over_known_words(name: str, header: bool, tmp_path: Path) -> None:
    encoder = open_encoder(vectors(tmp_path / name, header))
    assert isinstance(encoder, WordVectors)
    found = encoder.encode([*SENTENCES, "man."])
    assert np.allclose(found[0], TABLE[1:5].mean(0), atol=1e-6)
    assert np.allclose(found[1], (2 * TABLE[5] + TABLE[6]) / 3, atol=1e-6)
    assert np.allclose(found[4], TABLE[[1, 2, 7]].mean(0), atol=1e-6)  # "A" as "a"
    assert np.allclose(found[5], TABLE[[2, 7]].mean(0), atol=1e-6)  # "man." in its parts
    assert not found[2:4].any()
    assert encoder.notes == ["2 of 6 sentences have no known word: their vector is zero"]


def test_words_with_spaces_do_not_shift_the_numbers(tmp_path: Path) -> None:
    encoder = open_encoder(vectors(tmp_path / "glove.txt", extra=". . . 1 2 3 4 5\n"))
    assert np.allclose(encoder.encode(["man"])[0], TABLE[2], atol=1e-6)


@pytest.mark.parametrize(
    ("extra", "says"),
    [("new 1 2 3\n", None), ("odd 1 2 x 4 5\n", "line 8"), ("odd 1 2 nan 4 5\n", "line 8"), ("odd 1 2", None)],
)
def test_a_faulty_line_is_named_when_its_word_is_wanted(extra: str, says: str | None, tmp_path: Path) -> None:
    encoder = open_encoder(vectors(tmp_path / "glove.txt", extra=extra))
    if says is None:
        encoder.encode(["man"])
        return
    with pytest.raises(SyncseError, match=says):
        encoder.encode(["odd"])


@pytest.mark.parametrize("content", [b"", b"just prose, no numbers\n", b"\x80\x04binary"])
def test_what_holds_no_vectors_is_refused_at_once(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(SyncseError, match="does not begin with a word"):
        open_encoder(tmp_path / "notes.txt")


def test_a_cut_gzip_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt.gz"
    noise = np.random.default_rng(1).normal(size=(2000, 5))
    path.write_bytes(
        gzip.compress("".join(f"w{n} {' '.join(map(str, row))}\n" for n, row in enumerate(noise)).encode())
    )
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(SyncseError, match="cannot be read to its end"):
        open_encoder(path).encode(["w1"])


def test_options_that_mean_nothing_here_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SyncseError, match="no pooling or length"):
        open_encoder(vectors(tmp_path / "glove.txt"), EncoderOptions(pooling="avg"))
