"""Heads that lie beside a transformer's weights: SimCSE's `mlp`, BERT's pooler, a classifier. Reads headers, no weight."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncse_local.modelfiles.encoder_files import refuse
from syncse_local.modelfiles.encoder_modules import ModuleSpec
from syncse_local.modelfiles.reading import Unreadable
from syncse_local.modelfiles.safetensors import tensor_shapes, weight_files

POOLED = ("bert", "camembert", "ernie", "mpnet", "roberta", "roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl")
"""Model types whose `pooler` is Linear + Tanh on the first token; others call other things so."""


def mlp_head(root: Path) -> ModuleSpec | None:
    """The Linear + Tanh that SimCSE's and SynCSE's code (RobertaForCL, BertForCL) saves beside the encoder."""
    return _head(root, "mlp.dense")


def first_token_head(root: Path, config: Mapping[str, Any]) -> ModuleSpec | None:
    """The pooler of BERT and its kin, Linear + Tanh on the first token; SimCSE's conversion puts its head there."""
    if config.get("model_type") not in POOLED:
        return None
    prefixes = ("", "bert.", "roberta.")
    return next((head for prefix in prefixes if (head := _head(root, f"{prefix}pooler.dense"))), None)


def classifier(config: Mapping[str, Any]) -> str:
    """Why a directory that names no pooling is no encoder of sentences; empty where it may be one."""
    named = config.get("architectures")
    kinds = [str(name) for name in named] if isinstance(named, list) else []
    labels = config.get("id2label")
    one = config.get("num_labels") == 1 or (isinstance(labels, dict) and len(labels) == 1)
    if "sentence_transformers" in config or (one and any(kind.endswith("ForSequenceClassification") for kind in kinds)):
        return "is a cross-encoder: it scores pairs of texts and has no vector of a sentence"
    return ""


def _head(root: Path, name: str) -> ModuleSpec | None:
    names = {f"{name}.weight": "linear.weight", f"{name}.bias": "linear.bias"}
    try:
        shapes = {each: (file, shape) for file in weight_files(root) for each, shape in tensor_shapes(file).items()}
    except Unreadable:
        return None  # the weights' own reader says what is wrong
    if f"{name}.weight" not in shapes:
        return None
    (first, weight), (second, bias) = shapes[f"{name}.weight"], shapes.get(f"{name}.bias", (root, ()))
    if len(weight) != 2 or bias != weight[:1]:
        raise refuse("Wrong pooling", f"{name} of {root} is no linear layer.", "Copy the model again.")
    sizes = {"inputs": weight[1], "outputs": weight[0], "activation": "Tanh"}
    return ModuleSpec("Dense", settings=sizes, weights=tuple({first: 0, second: 0}), names=names)
