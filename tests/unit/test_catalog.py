"""Finding models: every cache read in place, names, kinds, broken and hostile files, one entry for what is one model."""

import json
import os
from pathlib import Path

import pytest

from syncse_local.catalog import walk
from syncse_local.catalog.listing import list_models
from syncse_local.catalog.resolve import resolve
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found, ModelEntry
from tests.unit.model_files import BERT, CAUSAL, directory, gguf, hub, number, ollama, safetensors, word
from tests.unit.test_gguf import BASICS, GOOD, build, tensor


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory without anything, and no variable that leads elsewhere."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "OLLAMA_MODELS", "LLAMA_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    return path


def _models(tmp_path: Path, *folders: Path) -> dict[str, ModelEntry]:
    settings = Settings(model_dirs=os.pathsep.join(map(str, folders)))
    found = list_models(settings, tmp_path / "workspace")
    return {f"{entry.source}:{entry.name}": entry for entry in found if entry.source != "bundled"}


def _resolve(tmp_path: Path, text: str, usable_by: str = "") -> Path:
    return resolve(text, Settings(model_dirs=str(tmp_path / "m")), tmp_path / "workspace", usable_by=usable_by)


def test_what_ships_with_the_project_is_there(tmp_path: Path) -> None:
    found = {entry.name: entry for entry in list_models(Settings(), tmp_path)}
    assert (found["starter-llm"].kind, found["starter-llm"].backends) == ("llm", ("llamacpp",))
    assert (found["starter-encoder"].kind, found["starter-encoder"].backends) == ("encoder", ("train",))
    assert found["starter-llm"].chat_template
    assert found["starter-encoder"].dimensions.vocabulary == 8192


def test_every_cache_is_read_in_place(tmp_path: Path, home: Path) -> None:
    cache = home / ".cache" / "huggingface" / "hub"
    hub(cache, "org/chat", "a" * 40, directory(tmp_path / "one", CAUSAL, "apache-2.0"))
    hub(cache, "org/chat", "b" * 40, directory(tmp_path / "one", CAUSAL), main=False)
    hub(cache, "org/some-gguf", "c" * 40, gguf(tmp_path / "two" / "Some-Q4_0.gguf").parent)
    gguf(home / ".lmstudio" / "models" / "maker" / "Big-GGUF" / "Big-Q8_0.gguf")
    gguf(home / ".cache" / "lm-studio" / "models" / "maker" / "Old-GGUF" / "Old.gguf")
    gguf(home / ".cache" / "llama.cpp" / "org_x.gguf")
    directory(tmp_path / "workspace" / "models" / "mine", BERT)
    store = home / ".ollama" / "models"
    ollama(store, "registry.ollama.ai/library/llama3/8b", {"model": GOOD, "license": b"\n MIT License\n\nwords"})
    ollama(store, "hf.co/org/Q/latest", {"model": GOOD + bytes(32), "projector": build([word("a", "b")], [])})
    before = sorted(tmp_path.rglob("*"))

    found = _models(tmp_path, gguf(tmp_path / "shelf" / "deep" / "own.gguf").parents[1])
    assert set(found) == {
        *("workspace:mine", "model_dirs:deep/own", "huggingface:org/chat", "huggingface:org/chat@bbbbbbbb"),
        *("huggingface:org/some-gguf/Some-Q4_0", "lmstudio:maker/Big-GGUF/Big-Q8_0", "lmstudio:maker/Old-GGUF/Old"),
        *("ollama:llama3:8b", "ollama:hf.co/org/Q:latest", "ollama:hf.co/org/Q:latest#projector", "llama.cpp:org_x"),
    }
    chat = found["huggingface:org/chat"]
    assert (chat.kind, chat.licence, chat.backends, chat.parameters) == ("llm", "apache-2.0", ("vllm",), 40)
    assert (chat.architecture, chat.context, chat.quantisation) == ("llama", 64, "F32")
    assert chat.dimensions.kv_values == 2 * 2 * 2 * 2
    assert found["ollama:llama3:8b"].licence == "MIT License"
    assert found["ollama:llama3:8b"].path.name.startswith("sha256-")
    assert [path for path in sorted(tmp_path.rglob("*")) if "shelf" not in path.parts] == before


def test_the_caches_are_where_their_tools_were_told_to_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "ol"))
    monkeypatch.setenv("LLAMA_CACHE", str(tmp_path / "lc"))
    hub(tmp_path / "hf" / "hub", "a/b", "d" * 40, directory(tmp_path / "one", CAUSAL))
    ollama(tmp_path / "ol", "registry.ollama.ai/me/tiny/v1", {"model": GOOD})
    gguf(tmp_path / "lc" / "x.gguf")
    assert set(_models(tmp_path)) == {"huggingface:a/b", "ollama:me/tiny:v1", "llama.cpp:x"}
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    assert set(_models(tmp_path)) == {"ollama:me/tiny:v1", "llama.cpp:x"}


def test_shards_are_one_model(tmp_path: Path) -> None:
    gguf(tmp_path / "m" / "big-00001-of-00002.gguf", data=build(BASICS, []))
    gguf(tmp_path / "m" / "big-00002-of-00002.gguf", data=build([], [tensor("w", (4, 4))]))
    gguf(tmp_path / "m" / "half-00002-of-00002.gguf")
    split = safetensors(directory(tmp_path / "m" / "d", CAUSAL) / "model-00001-of-00002.safetensors", {"a": [3]})
    safetensors(split.with_name("model-00002-of-00002.safetensors"), {"b": [4]})
    (split.parent / "model.safetensors").unlink()
    index = {"weight_map": {"a": split.name, "b": "model-00002-of-00002.safetensors"}}
    (split.parent / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    found = _models(tmp_path, tmp_path / "m")
    assert set(found) == {"model_dirs:big", "model_dirs:half", "model_dirs:d"}
    assert (found["model_dirs:big"].parameters, len(found["model_dirs:big"].files)) == (16, 2)
    assert (found["model_dirs:d"].parameters, len(found["model_dirs:d"].files)) == (7, 2)
    assert "half-00001-of-00002.gguf" in found["model_dirs:half"].problem


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (build(BASICS, []), "vocabulary"),
        (build([*BASICS, word("general.type", "adapter")], [tensor("w", (4, 4))]), "adapter"),
        (build([*BASICS, word("general.type", "mmproj")], [tensor("w", (4, 4))]), "projector"),
        (build([word("general.architecture", "clip")], [tensor("w", (4, 4))]), "projector"),
        (build([word("general.architecture", "bert")], [tensor("w", (4, 4))]), "embedding"),
        (build([*BASICS, number("llama.pooling_type", 3)], [tensor("w", (4, 4))]), "embedding"),
        (build([word("general.architecture", "flux")], [tensor("w", (4, 4))]), "other"),
        (GOOD, "llm"),
    ],
)
def test_a_gguf_is_what_it_is(tmp_path: Path, data: bytes, kind: str) -> None:
    entry = describe(Found("x", "path", gguf(tmp_path / "x.gguf", data=data)))
    assert entry.kind == kind
    assert entry.backends == (("llamacpp",) if kind == "llm" else ())


@pytest.mark.parametrize(
    ("config", "extra", "kind"),
    [
        (BERT, {}, "encoder"),
        (CAUSAL, {}, "llm"),
        (CAUSAL, {"modules.json": "[]"}, "encoder"),
        ({**CAUSAL, "model_type": "clip"}, {"modules.json": "[]"}, "embedding"),
        ({**CAUSAL, "architectures": ["T5ForConditionalGeneration"], "model_type": "t5"}, {}, "other"),
        ({"architectures": ["Gemma3ForConditionalGeneration"], "text_config": CAUSAL}, {}, "llm"),
        ({"architectures": 7, "model_type": ["bert"]}, {}, "other"),
        ({}, {}, "other"),
    ],
)
def test_a_directory_is_what_it_is(tmp_path: Path, config: dict[str, object], extra: dict[str, str], kind: str) -> None:
    folder = directory(tmp_path / "m", config)
    for name, content in extra.items():
        (folder / name).write_text(content, encoding="utf-8")
    assert describe(Found("m", "path", folder)).kind == kind


def test_an_adapter_directory(tmp_path: Path) -> None:
    (tmp_path / "m" / "lora").mkdir(parents=True)
    (tmp_path / "m" / "lora" / "adapter_config.json").write_text("{}", encoding="utf-8")
    safetensors(tmp_path / "m" / "lora" / "adapter_model.safetensors", {"a": [2, 2]})
    entry = _models(tmp_path, tmp_path / "m")["model_dirs:lora"]
    assert (entry.kind, entry.backends, entry.parameters) == ("adapter", (), 4)


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("config.json", b"{", "JSON"),
        ("config.json", b"[" * 100_000, "JSON"),
        ("config.json", b"[1]", "object"),
        ("model.safetensors", b"", "cut short"),
        ("model.safetensors", b"\xff" * 50, "cut short"),
        ("model.safetensors", (3).to_bytes(8, "little") + b"{{{", "JSON"),
        ("model.safetensors", (2).to_bytes(8, "little") + b"{}", ""),
        ("model.safetensors.index.json", b'{"weight_map": {"a": "../../etc/passwd"}}', "names no weight"),
        ("model.safetensors.index.json", b'{"weight_map": {"a": "gone.safetensors"}}', "gone.safetensors"),
    ],
)
def test_a_broken_directory_says_why(tmp_path: Path, name: str, content: bytes, word: str) -> None:
    (directory(tmp_path / "m" / "x", CAUSAL) / name).write_bytes(content)
    directory(tmp_path / "m" / "y", CAUSAL)
    found = _models(tmp_path, tmp_path / "m")
    assert word in found["model_dirs:x"].problem
    assert found["model_dirs:y"].problem == ""


@pytest.mark.parametrize(
    "tensor_", [{"shape": [2**70], "data_offsets": [0, 4]}, {"shape": [-1], "data_offsets": [0, 4]}, {"shape": 3}, []]
)
def test_impossible_tensors(tmp_path: Path, tensor_: object) -> None:
    header = json.dumps({"a": {"dtype": "F32", **tensor_} if isinstance(tensor_, dict) else tensor_}).encode()
    folder = directory(tmp_path / "x", CAUSAL)
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(64))
    assert "impossible" in describe(Found("x", "path", folder)).problem


def test_pickled_weights_are_named_and_not_opened(tmp_path: Path) -> None:
    folder = directory(tmp_path / "m" / "x", BERT)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pickled" in _models(tmp_path, tmp_path / "m")["model_dirs:x"].problem


def test_links_in_circles_pipes_and_closed_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = gguf(tmp_path / "m" / "good.gguf").parent
    (folder / "again").symlink_to(folder)
    (folder / "self.gguf").symlink_to(folder / "self.gguf")
    (folder / "gone.gguf").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.gguf")
    os.mkfifo(directory(folder / "piped", CAUSAL) / "tokenizer_config.json")
    (folder / "closed").mkdir()
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("os.scandir", refusing)
    found = _models(tmp_path, folder)
    assert set(found) == {"model_dirs:good", "model_dirs:piped"}
    assert "no regular file" in found["model_dirs:piped"].problem


def test_walking_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gguf(tmp_path / "m" / "/".join("abcdef") / "last.gguf")
    gguf(tmp_path / "m" / "/".join("abcdefg") / "too-deep.gguf")
    assert set(_models(tmp_path, tmp_path / "m")) == {"model_dirs:a/b/c/d/e/f/last"}
    monkeypatch.setattr(walk, "ENTRIES", 3)
    assert _models(tmp_path, tmp_path / "m") == {}


def test_one_file_in_two_places_is_one_model(tmp_path: Path) -> None:
    path = gguf(tmp_path / "m" / "one.gguf")
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "two.gguf").symlink_to(path)
    assert set(_models(tmp_path, tmp_path / "m", tmp_path / "n", tmp_path / "m")) == {"model_dirs:one"}


def test_a_manifest_cannot_point_elsewhere(tmp_path: Path, home: Path) -> None:
    manifests = home / ".ollama" / "models" / "manifests" / "registry.ollama.ai" / "library" / "bad"
    manifests.mkdir(parents=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../../../etc/passwd"}
    (manifests / "latest").write_text(json.dumps({"layers": [layer, 3, {"mediaType": layer["mediaType"]}]}))
    (manifests / "text").write_text("no manifest")
    (manifests / "list").write_text("[]")
    found = _models(tmp_path)
    assert set(found) == {"ollama:bad:text", "ollama:bad:list"}
    assert all(entry.problem for entry in found.values())


def test_names_resolve(tmp_path: Path) -> None:
    small = gguf(tmp_path / "m" / "maker" / "Llama-1B.gguf")
    large = gguf(tmp_path / "m" / "maker" / "Llama-1B-long.gguf", number("llama.block_count", 3))
    for text in ("maker/Llama-1B", "llama-1b", "model_dirs:maker/Llama-1B", str(small)):
        assert _resolve(tmp_path, text) == small
    assert _resolve(tmp_path, "llama-1b-") == large
    with pytest.raises(SyncseError) as several:
        _resolve(tmp_path, "maker/L")
    assert several.value.code == ExitCode.USAGE
    assert "maker/Llama-1B-long" in several.value.detail
    for text in ("unknown", "", "Llama-2"):
        with pytest.raises(SyncseError) as none:
            _resolve(tmp_path, text)
        assert none.value.code == ExitCode.PREFLIGHT


def test_names_lead_only_to_what_can_be_used(tmp_path: Path) -> None:
    gguf(tmp_path / "m" / "x-words.gguf", data=build(BASICS, []))
    model = gguf(tmp_path / "m" / "x-model.gguf")
    assert _resolve(tmp_path, "x", "llamacpp") == model
    with pytest.raises(SyncseError, match="kind vocabulary"):
        _resolve(tmp_path, "x-words", "llamacpp")


def test_the_card_beside_a_gguf_file_is_read_where_it_is_the_only_one(tmp_path: Path) -> None:
    path = gguf(tmp_path / "x.gguf")
    (tmp_path / "README.md").write_text('---\nlicense: "cc-by-4.0"\n---\n# x\n', encoding="utf-8")
    assert "cc-by-4.0" in describe(Found("x", "path", path)).licence
    gguf(tmp_path / "y.gguf")
    assert "cc-by-4.0" not in describe(Found("x", "path", path)).licence
