"""The files of an encoder directory: read as JSON, there, and safe to open. Reads no weight and knows no pooling.

Everything in the files is hostile.
"""

import json
import os
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError

TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth")
TRUSTED = "SYNCSE_TRUST_CODE"
"""Environment variable: directories, separated like PATH, whose own Python code a person allows to run."""


def refuse(title: str, detail: str, hint: str) -> SyncseError:
    """An error of the kind every check of an encoder ends with."""
    return SyncseError(title, detail, hint, code=ExitCode.PREFLIGHT)


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


def read_object(path: Path, optional: bool = False) -> dict[str, Any]:
    """The JSON object in `path`; empty where the file may be absent and is."""
    if optional and not path.exists():
        return {}
    value = read_json(path)
    if not isinstance(value, dict):
        raise refuse("Encoder unreadable", f"{path} holds no JSON object.", "Copy the model again.")
    return value


def check_transformer(root: Path) -> bool:
    """config, tokenizer and safetensors weights are there; whether trusted code comes with them."""
    if (root / "adapter_config.json").exists():
        detail = f"{root} holds an adapter (LoRA), whose encoder lies elsewhere."
        raise refuse(
            "Encoder incomplete", detail, "Merge the adapter into its encoder (merge_and_unload), and save that."
        )
    configs = [read_object(root / "config.json"), read_object(root / "tokenizer_config.json", optional=True)]
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


def module_weights(folder: Path) -> Path:
    """The weights of one module of sentence-transformers."""
    if not (folder / "model.safetensors").exists():
        detail = f"{folder} has no model.safetensors (pickled weights are not read)."
        raise refuse("Pickled weights refused", detail, "Save the model again as safetensors.")
    return folder / "model.safetensors"


def _is_trusted(root: Path) -> bool:
    named = filter(None, os.environ.get(TRUSTED, "").split(os.pathsep))
    return root.resolve() in {Path(name).expanduser().resolve() for name in named}


def _check_weights(root: Path) -> None:
    index = root / "model.safetensors.index.json"
    if index.exists():
        shards = read_object(index).get("weight_map")
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
