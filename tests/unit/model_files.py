"""Writes small model files and directories that are real in format: GGUF headers, safetensors, an Ollama store."""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from tests.unit.test_gguf import BASICS, build, pair, tensor, text

WEIGHTS = [tensor("w", (4, 4))]


def word(key: str, value: str) -> bytes:
    """A metadata pair with a text."""
    return pair(key, 8, text(value))


def number(key: str, value: int) -> bytes:
    """A metadata pair with a 32-bit number."""
    return pair(key, 4, struct.pack("<I", value))


def gguf(path: Path, *pairs: bytes, data: bytes | None = None) -> Path:
    """A GGUF language model of 16 weights at `path`, or any bytes there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(build([*BASICS, *pairs], WEIGHTS) if data is None else data)
    return path


def safetensors(path: Path, shapes: dict[str, list[int]], dtype: str = "F32", width: int = 4) -> Path:
    """A safetensors file of zeros."""
    header, end = dict[str, Any](), 0
    for name, shape in shapes.items():
        size = width
        for each in shape:
            size *= each
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    words = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(words)) + words + bytes(end))
    return path


CAUSAL = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 16,
    "vocab_size": 10,
    "max_position_embeddings": 64,
}
BERT = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "vocab_size": 10,
    "max_position_embeddings": 32,
}


def directory(folder: Path, config: dict[str, Any], licence: str = "") -> Path:
    """A model directory with 40 weights and a tokenizer file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    safetensors(folder / "model.safetensors", {"a": [4, 5], "b": [20]})
    if licence:
        (folder / "README.md").write_text(f"---\nlicense: {licence}\n---\n# Card\n", encoding="utf-8")
    return folder


def hub(cache: Path, name: str, revision: str, made: Path, main: bool = True) -> Path:
    """Put a model directory into a hub cache the way the hub does: files in blobs, links in a snapshot."""
    top = cache / f"models--{name.replace('/', '--')}"
    snapshot = top / "snapshots" / revision
    for folder in (snapshot, top / "blobs", top / "refs"):
        folder.mkdir(parents=True, exist_ok=True)
    for file in made.iterdir():
        content = file.read_bytes()
        blob = top / "blobs" / hashlib.sha256(content + revision.encode()).hexdigest()
        blob.write_bytes(content)
        (snapshot / file.name).symlink_to(blob)
    if main:
        (top / "refs" / "main").write_text(revision, encoding="utf-8")
    return snapshot


def ollama(store: Path, manifest: str, layers: dict[str, bytes]) -> None:
    """A manifest at `manifest` (registry/namespace/model/tag) and a blob for each kind of layer."""
    listed = []
    for kind, content in layers.items():
        digest = hashlib.sha256(content).hexdigest()
        blob = store / "blobs" / f"sha256-{digest}"
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        media = f"application/vnd.ollama.image.{kind}"
        listed.append({"mediaType": media, "digest": f"sha256:{digest}", "size": len(content)})
    path = store / "manifests" / manifest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schemaVersion": 2, "layers": listed}), encoding="utf-8")
