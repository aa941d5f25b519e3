"""Reading GGUF headers: what is found in good files, and that bad ones of every kind end in one clear error."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles import gguf_reader
from syncse_local.modelfiles.gguf import model_info, read_model
from syncse_local.modelfiles.gguf_header import read_header
from syncse_local.modelfiles.gguf_parts import shard_paths


def text(value: str) -> bytes:
    """A length-prefixed string."""
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key: str, kind: int, value: bytes) -> bytes:
    """One metadata pair."""
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    """One tensor description."""
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


BASICS = [
    pair("general.architecture", 8, text("llama")),
    pair("tokenizer.ggml.model", 8, text("llama")),
    pair("llama.context_length", 4, struct.pack("<I", 512)),
]


def build(
    pairs: list[bytes], tensors: list[bytes], data: int = 64, version: int = 3, counts: tuple[int, int] | None = None
) -> bytes:
    """A whole file; `counts` are claimed numbers of tensors and pairs instead of the true ones."""
    tensor_count, pair_count = counts or (len(tensors), len(pairs))
    head = b"GGUF" + struct.pack("<IQQ", version, tensor_count, pair_count) + b"".join(pairs) + b"".join(tensors)
    return head + bytes(-len(head) % 32) + bytes(data)


GOOD = build(BASICS, [tensor("w", (4, 4))])


def write(folder: Path, data: bytes) -> Path:
    """The file's path."""
    path = folder / "model.gguf"
    path.write_bytes(data)
    return path


def refusal(path: Path) -> SyncseError:
    """The error that reading this model must end in."""
    with pytest.raises(SyncseError) as caught:
        read_model(path)
    assert caught.value.code == ExitCode.PREFLIGHT
    assert caught.value.hint
    return caught.value


def test_a_good_file(tmp_path: Path) -> None:
    extra = [
        pair("general.name", 8, text("Tiny")),
        pair("general.license", 8, text("apache-2.0")),
        pair("general.file_type", 4, struct.pack("<I", 7)),
        pair("tokenizer.chat_template", 8, text("{{ messages }}")),
        pair("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 200) + text("ab") * 200),
        pair("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 200) + bytes(800)),
        pair("general.tags", 9, struct.pack("<IQ", 8, 2) + text("x") + text("y")),
    ]
    path = write(tmp_path, build(BASICS + extra, [tensor("w", (4, 4)), tensor("v", (32, 2), 8, 64)], 64 + 68))
    info = model_info(path, "abc")
    assert (info.name, info.architecture, info.parameters) == ("Tiny", "llama", 16 + 64)
    assert (info.quantisation, info.context_length, info.licence) == ("Q8_0", 512, "apache-2.0")
    assert (info.chat_template, info.profile, info.sha256) == ("{{ messages }}", "chat", "abc")
    assert info.bytes == path.stat().st_size
    header = read_header(path)
    assert header.metadata["general.tags"] == ("x", "y")
    assert header.metadata["tokenizer.ggml.tokens"] == gguf_reader.LongArray(8, 200)


def test_what_is_not_stated_is_empty(tmp_path: Path) -> None:
    info = model_info(write(tmp_path, GOOD))
    assert (info.name, info.licence, info.chat_template, info.sha256) == ("model", "", None, "")
    assert (info.profile, info.quantisation) == ("plain", "F32")


def test_the_real_models(models_dir: Path) -> None:
    info = model_info(models_dir / "tinystories-656k" / "tinystories-656k-f16.gguf")
    assert (info.parameters, info.context_length, info.quantisation) == (656_000, 512, "F16")


def test_shards_are_read_together(tmp_path: Path) -> None:
    first, second = tmp_path / "m-00001-of-00002.gguf", tmp_path / "m-00002-of-00002.gguf"
    assert shard_paths(first) == [first, second]
    first.write_bytes(build(BASICS, []))
    assert refusal(first).title == "A part of the model is missing"
    second.write_bytes(build([], [tensor("w", (4, 4))]))
    assert model_info(first).parameters == 16


@pytest.mark.parametrize(
    ("data", "title"),
    [
        (b"", "Not a GGUF file"),
        (b"This is a text file that somebody named .gguf.\n" * 50, "Not a GGUF file"),
        (b"GGUF", "Damaged GGUF file"),
        (GOOD[:-1], "Damaged GGUF file"),
        (GOOD[:90], "Damaged GGUF file"),
        (build(BASICS, []), "Vocabulary-only GGUF"),
        (build(BASICS, [tensor("w", (4, 4))], version=1), "Unsupported GGUF file"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "Unsupported GGUF file"),
        (build([BASICS[0]], [tensor("w", (4, 4))]), "Incomplete GGUF file"),
        (build([BASICS[1]], [tensor("w", (4, 4))]), "Incomplete GGUF file"),
        (build([pair("general.type", 8, text("adapter")), *BASICS], [tensor("w", (4, 4))]), "Not a text generation model"),
        (build([pair("general.architecture", 8, text("bert"))], [tensor("w", (4, 4))]), "Not a text generation model"),
        (build(BASICS, [], counts=(2**63, 3)), "Damaged GGUF file"),
        (build(BASICS, [], counts=(0, 2**63)), "Damaged GGUF file"),
        (build([BASICS[0], BASICS[0]], []), "Damaged GGUF file"),
        (build([pair("a", 8, struct.pack("<Q", 2**63))], []), "Damaged GGUF file"),
        (build([pair("a", 77, b"")], []), "Damaged GGUF file"),
        (build([pair("a", 9, struct.pack("<IQ", 8, 2**40))], []), "Damaged GGUF file"),
        (build([pair("a", 9, struct.pack("<IQ", 10, 2**61))], []), "Damaged GGUF file"),
        (build([pair("a", 9, struct.pack("<IQ", 9, 1))], []), "Damaged GGUF file"),
        (build([pair("general.alignment", 4, struct.pack("<I", 0))], []), "Damaged GGUF file"),
        (build(BASICS, [tensor("w", (2**40, 2**40))]), "Damaged GGUF file"),
        (build(BASICS, [tensor("w", (0, 4))]), "Damaged GGUF file"),
        (build(BASICS, [tensor("w", ())]), "Damaged GGUF file"),
        (build(BASICS, [tensor("w", (4, 4), offset=2**62)]), "Damaged GGUF file"),
        (build(BASICS, [tensor("w", (4, 4), offset=3)], 96), "Damaged GGUF file"),
        (build(BASICS, [tensor("w", (5, 4), kind=8)]), "Damaged GGUF file"),
        (build(BASICS, [tensor("w", (4, 4)), tensor("w", (4, 4))]), "Damaged GGUF file"),
    ],
)  # fmt: skip
def test_bad_files(tmp_path: Path, data: bytes, title: str) -> None:
    assert refusal(write(tmp_path, data)).title == title


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.gguf").title == "Model file not found"
    assert refusal(tmp_path).title == "Model file cannot be read"


def test_unknown_tensor_types_are_left_to_the_engine(tmp_path: Path) -> None:
    assert model_info(write(tmp_path, build(BASICS, [tensor("w", (4, 4), kind=999)]))).parameters == 16


FULL = build(
    [*BASICS, pair("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 70) + text("abc") * 70)],
    [tensor("w", (4, 4)), tensor("v", (32, 2), 8, 64)],
    132,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.integers(0, len(FULL)),
    changes=st.lists(st.tuples(st.integers(4, len(FULL) - 1), st.integers(0, 255)), max_size=6),
    whole=st.booleans(),
)
def test_damage_of_any_kind_is_refused_or_harmless(
    tmp_path: Path, cut: int, changes: list[tuple[int, int]], whole: bool
) -> None:
    data = bytearray(FULL)
    for at, value in changes:
        data[at] = value
    path = write(tmp_path, bytes(data if whole else data[:cut]))
    try:
        found = model_info(path).parameters > 0
    except SyncseError as error:
        found = error.code == ExitCode.PREFLIGHT
    assert found


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tail=st.binary(max_size=300))
def test_any_bytes_behind_the_signature(tmp_path: Path, tail: bytes) -> None:
    refusal(write(tmp_path, b"GGUF" + struct.pack("<I", 3) + tail))


@pytest.mark.parametrize(
    ("data", "what", "hint"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n", "Git LFS", "git lfs pull"),
        (b"\x1f\x8b\x08\x00" + bytes(20), "gzip", "gunzip"),
        (b"\n<!DOCTYPE html><title>Log in</title>", "a web page", "log-in"),
        (b"", "is empty", "again"),
    ],
)
def test_what_lies_in_a_models_place_is_named(tmp_path: Path, data: bytes, what: str, hint: str) -> None:
    error = refusal(write(tmp_path, data))
    assert error.title == "Not a GGUF file"
    assert what in error.detail
    assert hint in error.hint


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.gguf")
    assert "not a regular file" in refusal(tmp_path / "model.gguf").detail
