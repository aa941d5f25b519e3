"""Writes an encoder as a sentence-transformers directory, with the classic module names every release reads.

All or nothing: a temporary directory beside the target is renamed. Knows no training.
"""

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers
from safetensors.torch import save_file

from syncse_local.encoders.modules import kind_of
from syncse_local.encoders.modules.layer_weights import WeightedLayerPooling
from syncse_local.encoders.modules.states import OnTokens
from syncse_local.encoders.probe import state_width
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.encoder_modules import SWITCHES

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
    encoder.model.config.output_hidden_states = encoder.wants_layers
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
    _json(path / "config_sentence_transformers.json", _about(encoder))
    if readme:
        (path / "README.md").write_text(readme, encoding="utf-8")
    _json(path / "modules.json", _modules(encoder, path))


def _about(encoder: "Encoder") -> dict[str, object]:
    prompts = encoder.prompts
    return {
        "__version__": {"transformers": transformers.__version__, "pytorch": str(torch.__version__)},
        "prompts": dict(prompts.named),
        "default_prompt_name": prompts.default or None,
        "similarity_fn_name": encoder.similarity,
        **({"truncate_dim": encoder.truncate} if encoder.truncate else {}),
    }


def _portable_tokenizer(file: Path) -> None:
    """Give the generic tokenizer the class name that older transformers releases know as well."""
    config = json.loads(file.read_text(encoding="utf-8"))
    if config.get("tokenizer_class") == "TokenizersBackend":
        _json(file, {**config, "tokenizer_class": "PreTrainedTokenizerFast"})


def _modules(encoder: "Encoder", path: Path) -> list[dict[str, object]]:
    """Write every module after the transformer; what modules.json lists."""
    listed: list[dict[str, object]] = [_module(0, "Transformer")]
    for place, module in enumerate((*encoder.before, encoder.pooling, *encoder.tail), start=1):
        made, kind = module.module if isinstance(module, OnTokens) else module, kind_of(module)
        listed.append(_module(place, kind))
        folder = path / f"{place}_{kind}"
        settings = _pooling(encoder) if module is encoder.pooling else _settings(encoder, module)
        if settings:
            _json(folder / _CONFIGS.get(kind, "config.json"), settings)
        tensors = made.tensors() if isinstance(made, WeightedLayerPooling) else made.state_dict()
        if tensors:
            save_file({n: t.detach().cpu().contiguous() for n, t in tensors.items()}, folder / "model.safetensors")
    return listed


def _pooling(encoder: "Encoder") -> dict[str, object]:
    config: dict[str, object] = {"word_embedding_dimension": encoder.width}
    config |= {switch: mode in encoder.modes for switch, mode in SWITCHES.items()}
    if list(encoder.modes) != [mode for mode in SWITCHES.values() if mode in encoder.modes]:
        config["pooling_mode"] = list(encoder.modes)  # an order that switches cannot say, and old releases do not know
    if not encoder.pooling.include_prompt:  # a key that releases before 2.4 do not know
        config["include_prompt"] = False
    return config


def _settings(encoder: "Encoder", module: Any) -> dict[str, object]:
    width = {"word_embedding_dimension": state_width(encoder.model)} if isinstance(module, WeightedLayerPooling) else {}
    return {**module.settings(), **width}


def _module(place: int, kind: str) -> dict[str, object]:
    where = f"{place}_{kind}" if place else ""
    return {"idx": place, "name": str(place), "path": where, "type": f"sentence_transformers.models.{kind}"}


def _json(path: Path, value: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


_CONFIGS = {"CNN": "cnn_config.json", "LSTM": "lstm_config.json"}
