"""A model's identity: of a file, of shards, of a directory, of an encoder; computed once for each size and time."""

import hashlib
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from syncse_local.backends.llamacpp.engine import LlamaCppBackend
from syncse_local.errors import SyncseError
from syncse_local.modelfiles.hashing import encoder_sha256, model_sha256, remembered, weights_sha256
from syncse_local.store.database import connect
from tests.unit.model_files import CAUSAL, directory, gguf, word


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "w.db")


def test_a_file_is_hashed_once_for_its_size_and_time(tmp_path: Path, connection: sqlite3.Connection) -> None:
    path = gguf(tmp_path / "x.gguf")
    assert remembered(connection, path) == ""
    first = model_sha256(connection, path)
    assert first == hashlib.sha256(path.read_bytes()).hexdigest()
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    os.utime(path, ns=times)
    assert model_sha256(connection, path) == remembered(connection, path) == first  # nobody looked inside
    os.utime(path, ns=(times[0], times[1] + 1))
    assert remembered(connection, path) == ""
    assert model_sha256(connection, path) == hashlib.sha256(path.read_bytes()).hexdigest() != first


def test_every_file_of_a_model_counts(tmp_path: Path, connection: sqlite3.Connection) -> None:
    shards = [gguf(tmp_path / f"x-0000{i}-of-00002.gguf") for i in (1, 2)]
    folder = directory(tmp_path / "d", CAUSAL)
    for path, changed in ((shards[0], shards[1]), (folder, folder / "config.json")):
        before = model_sha256(connection, path)
        assert before == remembered(connection, path)
        changed.write_bytes(changed.read_bytes() + b" ")
        assert remembered(connection, path) == ""
        assert model_sha256(connection, path) != before


def test_what_is_not_there_has_none(tmp_path: Path, connection: sqlite3.Connection) -> None:
    with pytest.raises(SyncseError):
        model_sha256(connection, tmp_path / "none.gguf")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SyncseError):
        remembered(connection, tmp_path / "empty")


def sha256sum(**files: bytes) -> str:
    """The hash of what `sha256sum` prints for these files."""
    lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def test_a_model_in_shards_has_one_hash_whichever_is_named(tmp_path: Path, connection: sqlite3.Connection) -> None:
    names = [f"x-0000{i}-of-00002.gguf" for i in (1, 2)]
    shards = [gguf(tmp_path / name, word("shard", name)) for name in names]
    expected = sha256sum(**{shard.name: shard.read_bytes() for shard in shards})
    for shard in shards:
        assert model_sha256(connection, shard) == model_sha256(None, shard) == remembered(connection, shard) == expected
        assert encoder_sha256(connection, shard) == weights_sha256(connection, shard) == expected


def test_the_hash_of_a_directory_is_what_requests_of_the_first_release_carry(tmp_path: Path) -> None:
    """Weights, configuration, tokenizer and template by name; another file would be another key for every request."""
    folder = directory(tmp_path / "d", CAUSAL)
    parts = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    (folder / "README.md").write_text("words")
    (folder / "vocab.txt").write_text("a")
    assert model_sha256(None, folder) == sha256sum(**parts)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A sentence-transformers directory with a head, prompts, a card and what a downloader leaves."""
    made = directory(tmp_path / "encoder", CAUSAL)
    for name, text in {
        "modules.json": "[]",
        "vocab.txt": "a b",
        "sentence_bert_config.json": "{}",
        "config_sentence_transformers.json": json.dumps({"prompts": {"query": "query: "}}),
        "1_Pooling/config.json": "{}",
        "2_Dense/model.safetensors": "head",
        "README.md": "words",
        "syncse.json": "{}",
        ".cache/x.lock": "",
    }.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_text(text)
    return made


def test_an_encoder_keeps_its_hash_under_another_name_and_in_another_place(
    encoder: Path, tmp_path: Path, connection: sqlite3.Connection
) -> None:
    first = encoder_sha256(connection, encoder)
    moved = encoder.rename(tmp_path / "renamed")
    assert encoder_sha256(connection, moved) == first
    assert encoder_sha256(None, Path(shutil.copytree(moved, tmp_path / "other" / "place"))) == first
    for name in ("README.md", "syncse.json", ".cache/x.lock"):
        (moved / name).write_text("other")
    assert encoder_sha256(connection, moved) == first
    linked = tmp_path / "linked"
    linked.symlink_to(moved)
    assert encoder_sha256(connection, linked) == first


@pytest.mark.parametrize(
    "changed",
    [
        *("model.safetensors", "config.json", "vocab.txt", "modules.json", "sentence_bert_config.json"),
        *("config_sentence_transformers.json", "1_Pooling/config.json", "2_Dense/model.safetensors", "code.py"),
    ],
)
def test_what_decides_a_vector_is_part_of_the_hash(changed: str, encoder: Path, connection: sqlite3.Connection) -> None:
    first, weights = encoder_sha256(connection, encoder), weights_sha256(connection, encoder)
    path = encoder / changed
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b" ")
    assert encoder_sha256(connection, encoder) != first
    assert (weights_sha256(connection, encoder) != weights) == changed.endswith(".safetensors")


def test_a_part_that_is_linked_from_elsewhere_is_part_of_the_hash(encoder: Path, tmp_path: Path) -> None:
    first = encoder_sha256(None, encoder)
    (encoder / "1_Pooling").rename(tmp_path / "pooling")
    (encoder / "1_Pooling").symlink_to(tmp_path / "pooling")
    (encoder / "2_Dense" / "round").symlink_to(encoder)
    assert encoder_sha256(None, encoder) == first
    (tmp_path / "pooling" / "config.json").write_text("other")
    assert encoder_sha256(None, encoder) != first


def test_an_engine_that_is_opened_by_hand_has_the_same_identity(models_dir: Path) -> None:
    path = models_dir / "tinystories-656k" / "tinystories-656k-f16.gguf"
    engine = LlamaCppBackend(path)
    engine.close()
    assert engine.info.sha256 == model_sha256(None, path) == hashlib.sha256(path.read_bytes()).hexdigest()
