"""What follows the transformer in a sentence-transformers directory: each module's config.json, checked, as a spec.

Formats are those of its releases from 0.4 to 6. Reads no weight; what is not known is refused with what it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.encoder_files import module_weights, read_object, refuse

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
TOKENS, VECTOR = "token_embeddings", "sentence_embedding"
"""What a module reads and writes, in sentence-transformers' names."""
ACTIVATIONS = (
    "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh Identity LeakyReLU LogSigmoid LogSoftmax Mish PReLU RReLU "
    "ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmin Softplus Softshrink Softsign Tanh Tanhshrink".split()
)
"""torch's activations that need no argument; those for images and with inputs of their own are left out."""


@dataclass(frozen=True)
class PoolingSpec:
    """`dimension` is the token dimension it claims (0: not said)."""

    modes: tuple[str, ...] = ("mean",)
    dimension: int = 0
    include_prompt: bool = True


@dataclass(frozen=True)
class ModuleSpec:
    """A module before or after the pooling: its class in sentence-transformers, what it acts on, its settings by our names.

    `weights` are its files (none: it has no weights). `names` says which of their tensors is which of the module's; empty: all
    are, by their own names.
    """

    kind: str
    on: str = VECTOR
    settings: Mapping[str, Any] = field(default_factory=dict)
    weights: tuple[Path, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


def read_pooling(folder: Path) -> PoolingSpec:
    """Raises SyncseError (preflight) for a mode that is not known."""
    config = read_object(folder / "config.json")
    named = config.get("pooling_mode")
    modes = [named] if isinstance(named, str) else list(named) if isinstance(named, list) else []
    modes = modes or [mode for switch, mode in SWITCHES.items() if config.get(switch)] or ["mean"]
    if any(mode not in MODES for mode in modes):
        detail = f"{folder}/config.json asks for the pooling {modes!r}."
        raise refuse("Unknown pooling", detail, "Known are " + ", ".join(MODES) + ".")
    size = _first(config, "embedding_dimension", "word_embedding_dimension")
    return PoolingSpec(
        tuple(modes), size if isinstance(size, int) else 0, config.get("include_prompt", True) is not False
    )


def read_module(kind: str, folder: Path) -> ModuleSpec:
    """Raises SyncseError (preflight) for an unknown or damaged one."""
    if kind not in _READERS:
        reason = _REASONS.get(kind, "which is not known here")
        raise refuse("Unknown module", f"modules.json names a module {kind!r}, {reason}.", _HINT)
    return _READERS[kind](folder)


def _dense(folder: Path) -> ModuleSpec:
    config = read_object(folder / "config.json")
    stated = str(config.get("activation_function", "torch.nn.modules.activation.Tanh"))
    name = stated.rsplit(".", 1)[-1]
    if not stated.startswith("torch.nn.") or name not in ACTIVATIONS:
        raise _odd(folder, f"its activation function is {stated[:80]!r}")
    settings = {
        "inputs": _count(folder, config, "in_features"),
        "outputs": _count(folder, config, "out_features"),
        "bias": config.get("bias", True) is not False,
        "activation": name,
        "residual": config.get("use_residual") is True,
    }
    return _placed(folder, config, "Dense", settings, weights=True)


def _normalize(folder: Path) -> ModuleSpec:
    return _placed(folder, read_object(folder / "config.json", optional=True), "Normalize", {})


def _placed(
    folder: Path, config: Mapping[str, Any], kind: str, settings: Mapping[str, Any], weights: bool = False
) -> ModuleSpec:
    source = config.get("module_input_name") or VECTOR
    target = config.get("module_output_name") or source
    if source != target or source not in (TOKENS, VECTOR):
        raise _odd(folder, f"it reads {source!r} and writes {target!r}")
    if source == TOKENS and str(settings.get("activation")).endswith(("Softmax", "Softmin")):
        raise _odd(folder, "its softmax runs over the sentences of a batch")
    return ModuleSpec(kind, source, settings, (module_weights(folder),) if weights else ())


def _layer_norm(folder: Path) -> ModuleSpec:
    size = _count(folder, read_object(folder / "config.json"), "dimension")
    return ModuleSpec("LayerNorm", settings={"size": size}, weights=(module_weights(folder),))


def _dropout(folder: Path) -> ModuleSpec:
    rate = read_object(folder / "config.json").get("dropout", 0.2)
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise _odd(folder, f"its dropout is {str(rate)[:20]!r}")
    return ModuleSpec("Dropout", settings={"rate": float(rate)})


def _weighted_layers(folder: Path) -> ModuleSpec:
    start = read_object(folder / "config.json").get("layer_start", 4)
    settings = {"start": start if isinstance(start, int) else 4}
    return ModuleSpec("WeightedLayerPooling", TOKENS, settings, (module_weights(folder),))


def _word_weights(folder: Path) -> ModuleSpec:
    config = read_object(folder / "config.json")
    vocabulary, weights = config.get("vocab"), config.get("word_weights")
    unknown = config.get("unknown_word_weight", 1)
    sound = isinstance(vocabulary, list) and all(isinstance(word, str) for word in vocabulary)
    numbers = [*weights.values(), unknown] if isinstance(weights, dict) else [None]
    if not sound or any(isinstance(n, bool) or not isinstance(n, (int, float)) for n in numbers):
        raise _odd(folder, "its vocabulary or its weights are missing")
    settings = {"vocabulary": vocabulary, "weights": weights, "unknown": float(unknown)}
    return ModuleSpec("WordWeights", TOKENS, settings)


def _convolution(folder: Path) -> ModuleSpec:
    config = read_object(folder / "cnn_config.json")
    kernels = config.get("kernel_sizes", [1, 3, 5])
    strides = config.get("stride_sizes") or [1] * len(kernels)
    if not _are_counts(kernels) or not _are_counts(strides) or len(strides) != len(kernels):
        raise _odd(folder, "its kernel or stride sizes are no whole numbers")
    inputs = _count(folder, config, "in_embedding_dimension", "in_word_embedding_dimension")
    channels = _count(folder, {"out_channels": 256, **config}, "out_channels")
    settings = {"inputs": inputs, "channels": channels, "kernels": tuple(kernels), "strides": tuple(strides)}
    return ModuleSpec("CNN", TOKENS, settings, (module_weights(folder),))


def _recurrent(folder: Path) -> ModuleSpec:
    config = {"num_layers": 1, **read_object(folder / "lstm_config.json")}
    settings = {
        "inputs": _count(folder, config, "embedding_dimension", "word_embedding_dimension"),
        "hidden": _count(folder, config, "hidden_dim"),
        "layers": _count(folder, config, "num_layers"),
        "both": config.get("bidirectional", True) is not False,
    }
    return ModuleSpec("LSTM", TOKENS, settings, (module_weights(folder),))


def _first(config: Mapping[str, Any], *names: str) -> Any:
    return next((config[name] for name in names if name in config), None)


def _count(folder: Path, config: Mapping[str, Any], *names: str) -> int:
    value = _first(config, *names)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _odd(folder, f"{names[0]} is missing or no number of numbers")
    return value


def _are_counts(values: object) -> bool:
    return isinstance(values, list) and all(type(value) is int and value > 0 for value in values) and bool(values)


def _odd(folder: Path, why: str) -> SyncseError:
    return refuse("Unknown module", f"{folder}: {why}, which is not known here.", _HINT)


_HINT = "Use another encoder, or encode with sentence-transformers."
_READERS: Mapping[str, Callable[[Path], ModuleSpec]] = {
    "Dense": _dense,
    "Normalize": _normalize,
    "LayerNorm": _layer_norm,
    "Dropout": _dropout,
    "WeightedLayerPooling": _weighted_layers,
    "WordWeights": _word_weights,
    "CNN": _convolution,
    "LSTM": _recurrent,
}
_SPARSE = "a part of a sparse encoder (SPLADE), whose vectors are scored by other means"
_TOKENWISE = "a part of a late-interaction model (ColBERT), which has a vector for every token"
_LIGHT = "which is evaluated and not trained here"
_ROUTES = "which sends queries and documents through different encoders; here one encoder serves both"
_REASONS = {
    **dict.fromkeys(("BoW", "StaticEmbedding", "WordEmbeddings"), _LIGHT),
    "Router": _ROUTES,
    "Asym": _ROUTES,
    "CLIPModel": "which encodes pictures as well as texts",
    "MLMTransformer": _SPARSE,
    "SpladePooling": _SPARSE,
    "SparseAutoEncoder": _SPARSE,
    "SparseStaticEmbedding": _SPARSE,
    "CSRSparsity": _SPARSE,
    "IDF": _SPARSE,
    "MultiVectorMask": _TOKENWISE,
    "TokenPooling": _TOKENWISE,
    "LogitScore": "a part of a cross-encoder, which scores pairs and has no vector of a sentence",
}
