"""What a safetensors directory is: language model, trainable encoder, other embedding model or adapter; its sizes."""

from pathlib import Path
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.encoder_layout import read_layout
from syncse_local.modelfiles.entry import Dimensions, Found, Kind, ModelEntry
from syncse_local.modelfiles.reading import Unreadable, card_licence, json_object, regular_size, size, text
from syncse_local.modelfiles.safetensors import Weights, read_weights

ENCODERS = set(
    "albert bert big_bird camembert convbert data2vec-text deberta deberta-v2 distilbert electra ernie esm eurobert flaubert "
    "fnet funnel layoutlm longformer luke megatron-bert mobilebert modernbert mpnet nomic_bert roberta roberta-prelayernorm "
    "roformer squeezebert xlm xlm-roberta xlm-roberta-xl xlnet xmod".split()
)
HALVES = set("longt5 mt5 switch_transformers t5 umt5".split())
"""Encoder-decoders that lend their encoder; as a whole they are no encoder of the catalog."""
DECODERS = set(
    "cohere cohere2 ernie4_5 falcon gemma gemma2 gemma3_text glm gpt2 gpt_neo gpt_neox granite llama mistral mixtral olmo "
    "olmo2 opt phi phi3 qwen2 qwen3 smollm3 stablelm starcoder2".split()
)
"""Language models that the trainer takes as encoders too, by their path, or by name once they have a pooling."""
_CAUSAL = ("ForCausalLM", "LMHeadModel")
_LARGEST_TEXT = 1 << 27
"""Bytes of a tokenizer or vocabulary file. The largest that are published take some 35 MB."""


def describe_directory(found: Found) -> ModelEntry:
    """The entry of a model directory. Raises Unreadable or SyncseError for what is broken."""
    folder = found.path
    _check_files(folder)
    root = _transformer_root(folder)
    adapter = (folder / "adapter_config.json").exists() and not (folder / "config.json").exists()
    config = json_object(root / ("adapter_config.json" if adapter else "config.json"))
    inner = config["text_config"] if isinstance(config.get("text_config"), dict) else config
    kind: Kind = "adapter" if adapter else _kind(folder, config)
    weights = read_weights(root)
    problem = _encoder_problem(folder) if kind == "encoder" else ""
    return ModelEntry(
        name=found.name,
        source=found.source,
        kind=kind,
        path=folder,
        files=weights.files,
        architecture=_architecture(config),
        parameters=_parameters(weights, config),
        bytes=weights.bytes,
        quantisation=_quantisation(weights, config),
        context=next((size(inner.get(key)) for key in ("max_position_embeddings", "n_positions") if key in inner), 0),
        chat_template=_has_template(root),
        licence=card_licence(folder) or text(config.get("license"), 80),
        problem=problem,
        dimensions=_dimensions(inner),
    )


def _check_files(folder: Path) -> None:
    """Everything in the directory and its modules is a plain file of a bearable size: opening a pipe waits for ever."""
    try:
        modules = [entry for entry in folder.iterdir() if entry.is_dir()]
        files = [entry for place in (folder, *modules) for entry in place.iterdir() if entry.suffix == ".json"]
    except OSError as error:
        raise Unreadable(f"the directory cannot be read ({error.strerror})") from error
    for file in files:
        if regular_size(file) > _LARGEST_TEXT:
            raise Unreadable(f"{file.name} is larger than {_LARGEST_TEXT >> 20} MiB")


def _transformer_root(folder: Path) -> Path:
    """Where config.json and the weights lie: the directory, or its first sentence-transformers module."""
    nested = folder / "0_Transformer"
    return nested if not (folder / "config.json").exists() and (nested / "config.json").exists() else folder


def _architectures(config: dict[str, Any]) -> list[str]:
    named = config.get("architectures")
    return [name for name in named if isinstance(name, str)] if isinstance(named, list) else []


def _architecture(config: dict[str, Any]) -> str:
    return text(config.get("model_type"), 60) or next((text(name, 60) for name in _architectures(config)), "")


def _kind(folder: Path, config: dict[str, Any]) -> Kind:
    names = _architectures(config)
    kind = text(config.get("model_type"))
    encoder = kind in ENCODERS or (kind in HALVES and any(name.endswith("EncoderModel") for name in names))
    if (folder / "modules.json").exists():
        return "encoder" if encoder or kind in DECODERS or kind in HALVES else "embedding"
    if any(name.endswith(_CAUSAL) for name in names) and not encoder:
        return "llm"
    if any(name.endswith("ForConditionalGeneration") for name in names) and isinstance(config.get("text_config"), dict):
        return "llm"  # a language model that also takes pictures; others by this name are translators and the like
    return "encoder" if encoder else "other"


def _encoder_problem(folder: Path) -> str:
    """Why the trainer would refuse the directory, in its own words; empty where it would not."""
    try:
        read_layout(folder)
    except SyncseError as error:
        return error.detail
    return ""


def _bits(config: dict[str, Any]) -> tuple[str, int]:
    stated = config.get("quantization_config")
    if not isinstance(stated, dict):
        return "", 0
    bits = size(stated.get("bits")) or (4 if stated.get("load_in_4bit") is True else 0)
    return text(stated.get("quant_method"), 30) or "quantised", bits if bits in (2, 3, 4, 8) else 0


def _parameters(weights: Weights, config: dict[str, Any]) -> int:
    """Stored numbers, with those unpacked that a quantiser packed several to an integer."""
    _, bits = _bits(config)
    each = {"I32": 32 // bits, "U8": 8 // bits} if bits else {}
    return sum(count * each.get(kind, 1) for kind, count in weights.counts.items())


def _quantisation(weights: Weights, config: dict[str, Any]) -> str:
    method, bits = _bits(config)
    return f"{method} {bits} bit" if bits else method or text(weights.dtype, 20)


def _has_template(root: Path) -> bool:
    if (root / "chat_template.jinja").exists() or (root / "chat_template.json").exists():
        return True
    file = root / "tokenizer_config.json"
    return file.exists() and bool(json_object(file).get("chat_template"))


def _dimensions(config: dict[str, Any]) -> Dimensions:
    def first(*names: str) -> int:
        return next((found for name in names if (found := size(config.get(name)))), 0)

    layers, hidden = first("num_hidden_layers", "n_layer", "n_layers"), first("hidden_size", "n_embd", "dim", "d_model")
    heads = first("num_attention_heads", "n_head", "n_heads")
    width = first("head_dim") or (hidden // heads if heads else 0)
    return Dimensions(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_values=2 * layers * (first("num_key_value_heads") or heads) * width,
        vocabulary=first("vocab_size"),
        inner=first("intermediate_size", "n_inner", "hidden_dim"),
    )
