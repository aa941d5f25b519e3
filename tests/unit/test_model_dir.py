"""Model directories: what is read from good ones, and that others end in one clear error."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from random_llama import TEMPLATE, Shape, write

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.directory import model_info
from syncse_local.modelfiles.hashing import model_sha256


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "tiny")


def test_a_good_directory(folder: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n", encoding="utf-8")
    info = model_info(folder, "abc")
    assert (info.name, info.architecture, info.quantisation, info.context_length) == ("tiny", "llama", "F32", 512)
    assert (info.licence, info.sha256, info.chat_template, info.profile) == ("apache-2.0", "abc", TEMPLATE, "chat")
    assert info.parameters == 99_648
    assert info.bytes == (folder / "model.safetensors").stat().st_size


def test_without_a_template_the_profile_is_plain(tmp_path: Path) -> None:
    assert model_info(write(tmp_path / "m", template=None)).profile == "plain"


def test_a_template_may_stand_in_its_own_file_or_in_a_list(folder: Path) -> None:
    file = folder / "tokenizer_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    named = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "yes"}]
    file.write_text(json.dumps({**config, "chat_template": named}), encoding="utf-8")
    assert model_info(folder).chat_template == "yes"
    (folder / "chat_template.jinja").write_text("own", encoding="utf-8")
    assert model_info(folder).chat_template == "own"


def test_the_hash_covers_what_decides_an_answer(folder: Path, tmp_path: Path) -> None:
    first = model_sha256(None, folder)
    assert model_sha256(None, write(tmp_path / "copy")) == first
    (folder / "README.md").write_text("words", encoding="utf-8")
    assert model_sha256(None, folder) == first
    (folder / "chat_template.jinja").write_text("other", encoding="utf-8")
    assert model_sha256(None, folder) != first
    assert model_sha256(None, write(tmp_path / "other", Shape(), seed=1)) != first


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _cut(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:5000])


def _encoder(folder: Path) -> None:
    (folder / "config.json").write_text('{"architectures": ["BertModel"], "model_type": "bert"}', encoding="utf-8")


def _no_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


def _no_json(folder: Path) -> None:
    (folder / "config.json").write_text("{", encoding="utf-8")


@pytest.mark.parametrize("damage", [_pickled, _cut, _encoder, _no_tokenizer, _no_json])
def test_a_directory_that_cannot_be_used_is_refused(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder)
    with pytest.raises(SyncseError) as caught:
        model_info(folder)
    assert caught.value.code == ExitCode.PREFLIGHT
    assert caught.value.hint


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_what_is_no_directory_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"GGUF")
    with pytest.raises(SyncseError) as caught:
        model_info(tmp_path / name)
    assert caught.value.code == ExitCode.PREFLIGHT
