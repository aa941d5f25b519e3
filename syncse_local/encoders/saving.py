"""Writes an encoder as a sentence-transformers directory, with the classic module names every release reads.

All or nothing: a temporary directory beside the target is renamed. Knows no training.
"""

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from safetensors.torch import save_file

from syncse_local.encoders.head import Dense, LayerMean
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.encoder_layout import ACTIVATIONS, SWITCHES

if TYPE_CHECKING:
    from syncse_local.encoders.transformer import Encoder


def save_encoder(encoder: "Encoder", path: Path, readme: str = "") -> None:
    """Write `encoder` to `path`; what was there goes only once everything is written. SyncseError on a full disk."""
    check_target(path)
    scratch = path.parent / f".{path.name}.{os.getpid()}.new"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        _write(encoder, scratch, readme)
        replace_directory(scratch, path)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        detail = f"The encoder could not be written to {path}: {error.strerror or error}."
        raise SyncseError(
            "Cannot save", detail, "Free some space or choose another place, then run it again."
        ) from error


def check_target(path: Path) -> None:
    """Raise SyncseError (usage) if `path` is something else than an encoder or an empty directory: it would be lost."""
    nearest = next(place for place in path.absolute().parents if os.path.exists(place))
    if nearest.is_dir() and not os.access(nearest, os.W_OK | os.X_OK):
        detail = f"{path} cannot be written: {nearest} is not yours to change."
        raise SyncseError("Cannot write", detail, "Choose another directory with --output.", ExitCode.PREFLIGHT)
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return
    if not (path / "modules.json").exists() and not (path / "config.json").exists():
        what = "a directory with other files" if path.is_dir() else "a file"
        hint = "Choose a new directory for the encoder."
        raise SyncseError("Would overwrite", f"{path} is {what}.", hint, code=ExitCode.USAGE)


def replace_directory(scratch: Path, path: Path) -> None:
    """Put the directory `scratch` where `path` is; the old one goes only after the new one is in place."""
    old = path.parent / f".{path.name}.{os.getpid()}.old"
    shutil.rmtree(old, ignore_errors=True)
    with suppress(FileNotFoundError):
        path.rename(old)
    try:
        scratch.rename(path)
    except OSError:
        with suppress(FileNotFoundError):
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write(encoder: "Encoder", path: Path, readme: str) -> None:
    encoder.model.config.output_hidden_states = encoder.layers is not None
    encoder.model.save_pretrained(path)
    backend = getattr(encoder.tokenizer, "backend_tokenizer", None)
    if backend is not None:  # the last call's truncation is no property of the model
        backend.no_truncation()
        backend.no_padding()
    encoder.tokenizer.save_pretrained(path)
    _portable_tokenizer(path / "tokenizer_config.json")
    for weights in path.glob("*.safetensors"):  # written for the owner only
        shutil.copymode(path / "config.json", weights)
    _json(path / "sentence_bert_config.json", {"max_seq_length": encoder.max_length, "do_lower_case": encoder.lower})
    prompts = {"default": encoder.prompt} if encoder.prompt else {}
    versions = {"transformers": transformers.__version__, "pytorch": str(torch.__version__)}
    about = {
        "__version__": versions,
        "prompts": prompts,
        "default_prompt_name": "default" if prompts else None,
        "similarity_fn_name": "cosine",
    }
    _json(path / "config_sentence_transformers.json", about)
    if readme:
        (path / "README.md").write_text(readme, encoding="utf-8")
    names = ["Transformer", *_pooling(encoder, path), *_tail(encoder, path)]
    _json(path / "modules.json", [_module(place, name) for place, name in enumerate(names)])


def _portable_tokenizer(file: Path) -> None:
    """Give the generic tokenizer the class name that older transformers releases know as well."""
    config = json.loads(file.read_text(encoding="utf-8"))
    if config.get("tokenizer_class") == "TokenizersBackend":
        _json(file, {**config, "tokenizer_class": "PreTrainedTokenizerFast"})


def _pooling(encoder: "Encoder", path: Path) -> list[str]:
    names = ["WeightedLayerPooling"] * (encoder.layers is not None) + ["Pooling"]
    if encoder.layers is not None:
        _layer_weights(encoder.layers, encoder, path / _folder(1, names[0]))
    config: dict[str, object] = {"word_embedding_dimension": encoder.model.config.hidden_size}
    config |= {switch: mode in encoder.modes for switch, mode in SWITCHES.items()}
    _json(path / _folder(len(names), "Pooling") / "config.json", config)
    return names


def _layer_weights(layers: LayerMean, encoder: "Encoder", folder: Path) -> None:
    sizes = {
        "word_embedding_dimension": encoder.model.config.hidden_size,
        "layer_start": layers.start,
        "num_hidden_layers": encoder.model.config.num_hidden_layers,
    }
    _json(folder / "config.json", sizes)
    save_file({"layer_weights": torch.tensor(layers.weights)}, folder / "model.safetensors")


def _tail(encoder: "Encoder", path: Path) -> list[str]:
    first = 2 + (encoder.layers is not None)
    for place, layer in enumerate(encoder.tail, first):
        if isinstance(layer, Dense):
            folder = path / _folder(place, "Dense")
            _json(folder / "config.json", _dense_config(layer))
            weights = {name: tensor.detach().cpu().contiguous() for name, tensor in layer.state_dict().items()}
            save_file(weights, folder / "model.safetensors")
    return [type(layer).__name__ for layer in encoder.tail]


def _dense_config(layer: Dense) -> Mapping[str, object]:
    names = {short: full for full, short in ACTIVATIONS.items()}
    return {
        "in_features": layer.linear.in_features,
        "out_features": layer.linear.out_features,
        "bias": layer.linear.bias is not None,
        "activation_function": names[layer.activation],
    }


def _folder(place: int, name: str) -> str:
    return "" if place == 0 else f"{place}_{name}"


def _module(place: int, name: str) -> dict[str, object]:
    kind = f"sentence_transformers.models.{name}"
    return {"idx": place, "name": str(place), "path": _folder(place, name), "type": kind}


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
