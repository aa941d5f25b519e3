"""What a directory of safetensors says about itself, for engines that take such directories. Loads no weights.

Pickled weights are refused, and code that a model brings is never run.
"""

from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.describe_directory import describe_directory
from syncse_local.modelfiles.entry import Found, ModelInfo
from syncse_local.modelfiles.reading import LARGEST_JSON, Unreadable, head, json_object
from syncse_local.modelfiles.safetensors import weight_files

_DECIDING = (
    "chat_template.jinja", "chat_template.json", "config.json", "generation_config.json", "merges.txt",
    "special_tokens_map.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "vocab.json",
)  # fmt: skip
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json")


def model_info(folder: Path, sha256: str = "") -> ModelInfo:
    """What the run record shows of a model. Raises SyncseError (PREFLIGHT) for what is no usable language model."""
    try:
        return _read(folder, sha256)
    except Unreadable as problem:
        raise _refuse("Model directory cannot be used", f"{folder}: {problem}.") from problem


def _read(folder: Path, sha256: str) -> ModelInfo:
    if not folder.exists():
        raise _refuse("Model not found", f"There is nothing at {folder}.")
    if not folder.is_dir():
        raise _refuse("Not a model directory", f"{folder} is a file.")
    entry = describe_directory(Found(folder.name, "path", folder))
    if entry.kind != "llm":
        raise _refuse(
            "Not a text generation model", f"{folder} holds a model of kind {entry.kind} ({entry.architecture})."
        )
    if not any((folder / name).exists() for name in _TOKENIZERS):
        raise _refuse("Incomplete model directory", f"{folder} has no tokenizer.")
    return ModelInfo(
        path=folder,
        name=entry.name,
        architecture=entry.architecture,
        parameters=entry.parameters,
        quantisation=entry.quantisation,
        context_length=entry.context,
        chat_template=chat_template(folder),
        licence=entry.licence,
        bytes=entry.bytes,
        sha256=sha256,
    )


def chat_template(folder: Path) -> str | None:
    """The Jinja source of the default chat template, from its own file or the tokenizer's description."""
    if (folder / "chat_template.jinja").exists():
        return head(folder / "chat_template.jinja", LARGEST_JSON)
    for name in ("chat_template.json", "tokenizer_config.json"):
        stated = json_object(folder / name).get("chat_template") if (folder / name).exists() else None
        if isinstance(stated, list):
            named = {each.get("name"): each.get("template") for each in stated if isinstance(each, dict)}
            stated = named.get("default")
        if isinstance(stated, str) and stated:
            return stated
    return None


def deciding_files(folder: Path) -> list[Path]:
    """The files that decide what the model writes: weights, configuration, tokenizer, chat template; in name order.

    Raises SyncseError (PREFLIGHT) where there are no weights.
    """
    try:
        beside = [folder / name for name in _DECIDING if (folder / name).exists()]
        return sorted({*weight_files(folder), *beside})
    except Unreadable as problem:
        raise _refuse("Model directory cannot be used", f"{folder}: {problem}.") from problem


def _refuse(title: str, detail: str) -> SyncseError:
    hint = "Give a local directory of a causal language model with config.json, a tokenizer and *.safetensors."
    return SyncseError(title, detail, hint, ExitCode.PREFLIGHT)
