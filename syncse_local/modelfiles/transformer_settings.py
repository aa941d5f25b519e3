"""How sentence-transformers is told to run the transformer: its sentence_bert_config.json, under all names it has had.

What would change a vector and is not done here is refused with its name; keys that change none are passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.encoder_files import read_object, refuse

FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""The first that is there counts; releases before 1.0 wrote one a class."""
_PLACES = {
    "attn_implementation", "cache_dir", "code_revision", "device_map", "dtype", "local_files_only", "low_cpu_mem_usage",
    "revision", "token", "torch_dtype", "trust_remote_code", "use_cache", "use_fast", "use_safetensors",
}  # fmt: skip
"""Arguments of loading that say where and how, not what; float32 is taken in any case."""
_OF_MODEL = {*_PLACES, "add_pooling_layer"}
_OF_TOKENIZER = {*_PLACES, "padding_side"}
_TOKENIZER_TOO = ("add_bos_token", "add_eos_token", "truncation_side")
_NOT_HERE = ("processing_kwargs", "query_length", "document_length", "query_expansion", "tokenizer_name_or_path")


@dataclass(frozen=True)
class TransformerSettings:
    """`max_length` 0: not stated. `config` replaces values of config.json, `tokenizer` is for the tokenizer's loading."""

    max_length: int = 0
    lower: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    tokenizer: Mapping[str, Any] = field(default_factory=dict)


def read_settings(root: Path) -> TransformerSettings:
    """Raises SyncseError (preflight) for what is not done here."""
    file = next((root / name for name in FILES if (root / name).exists()), None)
    config = read_object(file) if file else {}
    task = config.get("transformer_task") or "feature-extraction"
    if task != "feature-extraction":
        raise _refused(root, f"its transformer is for the task {str(task)[:40]!r}")
    for name in _NOT_HERE:
        if config.get(name):
            raise _refused(root, f"{name} is set")
    _check_modality(root, config)
    _arguments(root, config, _OF_MODEL, "model_kwargs", "model_args")
    tokenizer = _arguments(
        root, config, _OF_TOKENIZER, "processor_kwargs", "tokenizer_args", taken=("model_max_length", *_TOKENIZER_TOO)
    )
    length = tokenizer.pop("model_max_length", None) or config.get("max_seq_length")
    values = _arguments(root, config, _PLACES, "config_kwargs", "config_args", taken=None)
    if any(value is not None and not isinstance(value, (bool, int, float, str)) for value in values.values()):
        raise _refused(root, "config_kwargs holds more than plain values")
    return TransformerSettings(
        length if type(length) is int and length > 0 else 0, config.get("do_lower_case") is True, values, tokenizer
    )


def _check_modality(root: Path, config: Mapping[str, Any]) -> None:
    """Texts go through the model's forward pass as they are, and its last hidden states are taken."""
    modalities = config.get("modality_config")
    if not isinstance(modalities, dict):
        return
    if "message" in modalities:
        raise _refused(root, "it wraps every text in its chat template (modality_config)")
    text = modalities.get("text")
    taken = text.get("method_output_name") if isinstance(text, dict) else None
    plain = (
        isinstance(text, dict)
        and text.get("method") == "forward"
        and taken in ("last_hidden_state", ["last_hidden_state"])
    )
    if not plain or config.get("module_output_name", "token_embeddings") != "token_embeddings":
        raise _refused(root, f"it takes {str(taken)[:60]!r} of the transformer, not the last hidden states")


def _arguments(
    root: Path, config: Mapping[str, Any], harmless: set[str], *names: str, taken: tuple[str, ...] | None = ()
) -> dict[str, Any]:
    """Those of the arguments that are taken (None: all) and not harmless; what is neither is refused."""
    found = next((config[name] for name in names if name in config), None) or {}
    if not isinstance(found, dict):
        raise _refused(root, f"{names[0]} is no object")
    left = {name: value for name, value in found.items() if name not in harmless}
    if unknown := [name for name in left if taken is not None and name not in taken]:
        raise _refused(root, f"{names[0]} sets {str(unknown[0])[:40]!r}")
    return left


def _refused(root: Path, why: str) -> SyncseError:
    hint = "Use another encoder, or encode with sentence-transformers."
    return refuse("Encoder not supported", f"{root}: {why}, which is not done here.", hint)
