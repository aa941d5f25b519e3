"""Reads what an encoder directory says about itself, and refuses what is unsafe or incomplete; reads no weight.

Knows the transformers and the sentence-transformers layouts; knows no torch. Everything in the files is hostile.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError

MODES = ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
# Older releases name a mode by a switch; the order is the order of concatenation.
SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth")
TRUSTED = "SYNCSE_TRUST_CODE"
"""Environment variable: directories, separated like PATH, whose own Python code a person allows to run."""
ACTIVATIONS = {
    f"torch.nn.modules.{place}": place.rsplit(".", 1)[1]
    for place in ("activation.Tanh", "activation.ReLU", "activation.GELU", "activation.SiLU", "activation.Sigmoid")
} | {"torch.nn.modules.linear.Identity": "Identity"}


@dataclass(frozen=True)
class DenseSpec:
    """A linear layer after the pooling: where its weights lie, its sizes, its activation's name in torch.nn."""

    weights: Path
    inputs: int
    outputs: int
    bias: bool
    activation: str


@dataclass(frozen=True)
class Layout:
    """How a directory turns tokens into one vector. `own` is False where it says nothing (mean pooling is assumed).

    `dimension` is the token dimension its pooling claims (0: not said); `layers` the file of layer weights and the
    first hidden layer they belong to; `tail` what follows the pooling; `max_length` 0 means the model's own limit. `code`:
    it brings Python code of its own, which a person has allowed to run.
    """

    root: Path
    own: bool = False
    modes: tuple[str, ...] = ("mean",)
    dimension: int = 0
    layers: tuple[Path, int] | None = None
    tail: tuple[DenseSpec | str, ...] = ()
    max_length: int = 0
    lower: bool = False
    prompt: str = ""
    code: bool = False


def refuse(title: str, detail: str, hint: str) -> SyncseError:
    """An error of the kind every check here ends with."""
    return SyncseError(title, detail, hint, code=ExitCode.PREFLIGHT)


def read_layout(path: Path) -> Layout:
    """Check the directory and read its pooling. Raises SyncseError (preflight) with what is wrong and what to do."""
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        hint = "Give the directory of a model on this machine; names on a hub are never fetched."
        raise refuse("No such encoder", f"{path} {what}.", hint)
    if not (path / "modules.json").exists():
        return Layout(path, code=_check_transformer(path))
    return _sentence_transformers(path)


def read_json(path: Path) -> Any:
    """The JSON in `path`; a clear error where it is absent or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = "Copy the model again, with all its files."
        raise refuse("Encoder incomplete", f"{path.name} is missing in {path.parent}.", hint) from error
    except (OSError, ValueError, RecursionError) as error:
        hint = "Copy the model again; the file may be cut short."
        raise refuse("Encoder unreadable", f"{path} is not readable JSON ({type(error).__name__}).", hint) from error


def _object(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise refuse("Encoder unreadable", f"{path} holds no JSON object.", "Copy the model again.")
    return value


def _check_transformer(root: Path) -> bool:
    """config, tokenizer and safetensors weights are there; whether trusted code comes with them."""
    tokenizer = root / "tokenizer_config.json"
    configs = [_object(root / "config.json"), _object(tokenizer) if tokenizer.exists() else {}]
    code = any("auto_map" in config for config in configs)
    if code and not _is_trusted(root):
        raise refuse(
            "Encoder wants to run code",
            f"{root} brings its own Python code (auto_map), which is not run unasked.",
            f"Use another encoder; or read that code and, if you trust it, name the directory in {TRUSTED}.",
        )
    if not any((root / name).exists() for name in TOKENIZERS):
        hint = "Copy tokenizer.json (or vocab.txt) of the same model beside config.json."
        raise refuse("Tokenizer missing", f"{root} has no tokenizer file.", hint)
    _check_weights(root)
    return code


def _is_trusted(root: Path) -> bool:
    named = filter(None, os.environ.get(TRUSTED, "").split(os.pathsep))
    return root.resolve() in {Path(name).expanduser().resolve() for name in named}


def _check_weights(root: Path) -> None:
    index = root / "model.safetensors.index.json"
    if index.exists():
        shards = _object(index).get("weight_map")
        names = set(shards.values()) if isinstance(shards, dict) else set()
        if not names or any(not isinstance(n, str) or Path(n).name != n or not (root / n).exists() for n in names):
            raise refuse("Encoder incomplete", f"{index.name} names files that are not there.", "Copy the model again.")
        return
    if (root / "model.safetensors").exists():
        return
    if any((root / name).exists() for name in PICKLED):
        raise refuse(
            "Pickled weights refused",
            f"{root} has its weights only as a pickle, which can run code when it is opened.",
            "Convert them to model.safetensors on a machine you trust, or take a copy that has them.",
        )
    hint = "Copy model.safetensors beside config.json."
    raise refuse("Weights missing", f"{root} has no model.safetensors.", hint)


def _sentence_transformers(path: Path) -> Layout:
    modules = read_json(path / "modules.json")
    if not isinstance(modules, list) or not all(isinstance(m, dict) for m in modules) or not modules:
        raise refuse("Encoder unreadable", f"{path}/modules.json is not a list of modules.", "Copy the model again.")
    root, fields, tail = path, dict[str, Any](), list[DenseSpec | str]()
    for place, module in enumerate(modules):
        kind, folder = _kind(module), _inside(path, str(module.get("path", "")))
        if (kind == "Transformer") != (place == 0) or (kind in ("Pooling", "WeightedLayerPooling") and tail):
            raise refuse(
                "Unknown pooling", f"Module {place} of {path} is {kind} out of its place.", "Use another encoder."
            )
        if kind == "Transformer":
            root = folder
            fields["code"] = _check_transformer(root)
            fields |= _transformer_fields(root)
        elif kind == "Pooling":
            fields |= _pooling_fields(folder)
        elif kind == "WeightedLayerPooling":
            start = _object(folder / "config.json").get("layer_start", 4)
            fields["layers"] = (_safetensors(folder), int(start) if isinstance(start, int) else 4)
        else:
            tail.append(_dense(folder) if kind == "Dense" else "normalize")
    if "modes" not in fields:
        raise refuse("Unknown pooling", f"{path}/modules.json names no Pooling module.", "Use another encoder.")
    return Layout(root, own=True, tail=tuple(tail), prompt=_prompt(path), **fields)


def _kind(module: Mapping[str, Any]) -> str:
    name = str(module.get("type", ""))
    kind = name.rsplit(".", 1)[-1]
    if not name.startswith("sentence_transformers."):
        detail = f"modules.json asks for the class {name!r}, which is not sentence-transformers' own."
        raise refuse("Encoder wants to run code", detail, "Use an encoder made of the library's own modules.")
    if kind not in ("Transformer", "Pooling", "WeightedLayerPooling", "Dense", "Normalize"):
        detail = f"modules.json names a module {kind!r}, which this trainer does not know."
        raise refuse("Unknown pooling", detail, "Use an encoder of Transformer, Pooling, Dense and Normalize modules.")
    return kind


def _inside(path: Path, name: str) -> Path:
    folder = (path / name).resolve()
    if not folder.is_relative_to(path.resolve()):
        raise refuse("Encoder unreadable", f"modules.json of {path} points outside it.", "Do not use this model.")
    return path / name


def _transformer_fields(root: Path) -> dict[str, Any]:
    file = root / "sentence_bert_config.json"
    config = _object(file) if file.exists() else {}
    length = config.get("max_seq_length")
    return {"max_length": length if isinstance(length, int) else 0, "lower": bool(config.get("do_lower_case", False))}


def _pooling_fields(folder: Path) -> dict[str, Any]:
    config = _object(folder / "config.json")
    named = config.get("pooling_mode")
    modes = [named] if isinstance(named, str) else list(named or [])
    modes = modes or [mode for switch, mode in SWITCHES.items() if config.get(switch)] or ["mean"]
    if any(mode not in MODES for mode in modes):
        detail = f"{folder}/config.json asks for the pooling {modes!r}."
        raise refuse("Unknown pooling", detail, "Known are " + ", ".join(MODES) + ".")
    size = config.get("embedding_dimension", config.get("word_embedding_dimension", 0))
    return {"modes": tuple(modes), "dimension": size if isinstance(size, int) else 0}


def _safetensors(folder: Path) -> Path:
    if not (folder / "model.safetensors").exists():
        detail = f"{folder} has no model.safetensors (pickled weights are not read)."
        raise refuse("Pickled weights refused", detail, "Save the model again as safetensors.")
    return folder / "model.safetensors"


def _dense(folder: Path) -> DenseSpec:
    config = _object(folder / "config.json")
    activation = ACTIVATIONS.get(str(config.get("activation_function", "torch.nn.modules.activation.Tanh")))
    sizes = [n for n in (config.get("in_features"), config.get("out_features")) if isinstance(n, int)]
    usual = config.get("module_input_name", "sentence_embedding") == "sentence_embedding"
    if activation is None or not usual or config.get("use_residual") or len(sizes) < 2:
        detail = f"{folder}/config.json describes a Dense layer of an unknown kind."
        raise refuse("Unknown pooling", detail, "Use an encoder with a plain Dense layer.")
    return DenseSpec(_safetensors(folder), sizes[0], sizes[1], bool(config.get("bias", True)), activation)


def _prompt(path: Path) -> str:
    file = path / "config_sentence_transformers.json"
    config = _object(file) if file.exists() else {}
    prompts = config.get("prompts")
    name = config.get("default_prompt_name")
    return str(prompts.get(name, "")) if isinstance(prompts, dict) and name else ""
