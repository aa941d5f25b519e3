"""Any directory tree, however odd: the catalog lists it without an error, and everything it says can be printed."""

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.catalog.huggingface import models_in_hub
from syncse_local.catalog.ollama import models_in_ollama
from syncse_local.catalog.walk import models_below
from syncse_local.cli.models import _lines
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import KINDS, Found
from syncse_local.text.display import safe
from tests.unit.model_files import BERT, CAUSAL
from tests.unit.test_gguf import FULL, GOOD

FOLDERS = (
    "a",
    "b",
    "models--o--n",
    "snapshots",
    "refs",
    "manifests",
    "blobs",
    "registry.ollama.ai",
    "library",
    "0_Transformer",
)
NAMES = (
    *("x.gguf", "x-00001-of-00002.gguf", "x-00002-of-00002.gguf", "config.json", "model.safetensors", "modules.json"),
    *("model.safetensors.index.json", "tokenizer_config.json", "tokenizer.json", "adapter_config.json", "README.md"),
    *("main", "latest", "sha256-" + "0" * 64, "\udcff.gguf", "\x1b[31m.gguf"),
)
MANIFEST = {"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:" + "0" * 64}]}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
KEYS = ("architectures", "model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "quantization_config")
CONFIGS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys((*KEYS, "text_config", "weight_map", "layers", "bits"), JSON)
)
CONTENT = (
    st.binary(max_size=200)
    | st.sampled_from([GOOD, FULL, b"GGUF", (2).to_bytes(8, "little") + b"{}"])
    | st.builds(lambda data: len(data).to_bytes(8, "little") + data, JSON.map(lambda v: json.dumps(v).encode()))
    | (CONFIGS | JSON | st.sampled_from([BERT, CAUSAL, MANIFEST])).map(lambda value: json.dumps(value).encode())
)
FILES = st.tuples(st.lists(st.sampled_from(FOLDERS), max_size=4), st.sampled_from(NAMES), CONTENT | st.just("link"))


def _make(root: Path, files: list[tuple[list[str], str, bytes | str]]) -> None:
    for folders, name, content in files:
        path = root.joinpath(*folders, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.symlink_to(os.path.relpath(root, path.parent), target_is_directory=True)
        except OSError:  # a file where a directory should be, or the other way round: also a tree
            continue


@settings(max_examples=150, deadline=None)
@given(files=st.lists(FILES, max_size=12))
def test_any_tree_is_listed(files: list[tuple[list[str], str, bytes | str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _make(root, files)
        found = [*models_below(root, "tree"), *models_in_hub(root, "hub"), *models_in_ollama(root, "ollama")]
        for entry in map(describe, [*found, Found("root", "path", root)]):
            assert entry.kind in KINDS
            assert entry.files or entry.problem
            assert not (entry.backends and entry.problem)
            json.dumps(asdict(entry), default=str)
            lines = list(_lines(entry, {}, []))
            assert all(safe(line) == line for line in lines)
