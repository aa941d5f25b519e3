"""How a directory turns a sentence into a vector, as its files say it: transformers', SimCSE's or sentence-transformers' layout.

Refuses what is unsafe, incomplete or another kind of model; reads no weight and knows no torch. Everything in the files is
hostile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.encoder_files import check_transformer, read_json, read_object, refuse
from syncse_local.modelfiles.encoder_modules import (
    TOKENS,
    ModuleSpec,
    PoolingSpec,
    read_module,
    read_pooling,
)
from syncse_local.modelfiles.pooler import classifier, first_token_head, mlp_head
from syncse_local.modelfiles.prompts import Prompts
from syncse_local.modelfiles.transformer_settings import TransformerSettings, read_settings

SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
"""sentence-transformers' names; a directory that names another is compared by cosine, as it does."""
OLD_TRANSFORMERS = ("ALBERT", "BERT", "CamemBERT", "DistilBERT", "RoBERTa", "XLMRoBERTa", "XLNet")
"""What the class Transformer was called before release 0.4, one a kind of model."""


@dataclass(frozen=True)
class Layout:
    """`own` is False where the directory names no pooling (one is assumed, and said in `notes`).

    `tokens` are the modules before the pooling, `tail` those after it. `pooler` is a Linear + Tanh on the first token that
    the weights bring and nobody has asked for (BERT's, or SimCSE's in transformers' clothes). `truncate` cuts vectors to so
    many numbers (0: never). `code`: it brings Python code of its own, which a person has allowed to run.
    """

    root: Path
    own: bool = False
    tokens: tuple[ModuleSpec, ...] = ()
    pooling: PoolingSpec = field(default_factory=PoolingSpec)
    tail: tuple[ModuleSpec, ...] = ()
    pooler: ModuleSpec | None = None
    settings: TransformerSettings = field(default_factory=TransformerSettings)
    prompts: Prompts = field(default_factory=Prompts)
    similarity: str = "cosine"
    truncate: int = 0
    code: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """The modules around a pooling."""

    tokens: tuple[ModuleSpec, ...]
    pooling: PoolingSpec
    tail: tuple[ModuleSpec, ...]


@dataclass(frozen=True)
class ModelSettings:
    """What config_sentence_transformers.json says of the whole model."""

    prompts: Prompts = field(default_factory=Prompts)
    similarity: str = "cosine"
    truncate: int = 0


def read_layout(path: Path) -> Layout:
    """Check the directory and read its pooling. Raises SyncseError (preflight) with what is wrong and what to do."""
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        hint = "Give the directory of a model on this machine; names on a hub are never fetched."
        raise refuse("No such encoder", f"{path} {what}.", hint)
    return _sentence_transformers(path) if (path / "modules.json").exists() else _transformers(path)


def _transformers(path: Path) -> Layout:
    code = check_transformer(path)
    config = read_object(path / "config.json")
    if why := classifier(config):
        raise refuse("Not an encoder", f"{path} {why}.", "Use an encoder.")
    pooler = first_token_head(path, config)
    if head := mlp_head(path):
        note = "the weights bring SimCSE's head on [CLS], and it is used; --pooling cls_before_pooler leaves it out"
        return Layout(path, True, pooling=PoolingSpec(("cls",)), tail=(head,), pooler=pooler, code=code, notes=(note,))
    named = config.get("architectures")
    first = str(named[0]) if isinstance(named, list) and named else ""
    causal = first.endswith("ForCausalLM") and config.get("is_causal", True) is not False
    what = "last token is" if causal else "mean of the tokens is"
    notes = (f"the directory names no pooling: the {what} taken (--pooling)",)
    pooling = PoolingSpec(("lasttoken",) if causal else ("mean",))
    return Layout(path, pooling=pooling, pooler=pooler, code=code, notes=notes)


def _sentence_transformers(path: Path) -> Layout:
    model = read_model_settings(path)
    (kind, root), *rest = list_modules(path)
    if kind not in ("Transformer", *OLD_TRANSFORMERS):
        read_module(kind, root)  # refused with what it is, where it is known
        raise refuse("Unknown pooling", f"Module 0 of {path} is {kind} out of its place.", "Use another encoder.")
    code = check_transformer(root)
    if any(kind == "LSTM" for kind, _ in rest):
        raise refuse("Unknown pooling", f"{path} has an LSTM, which goes with word embeddings.", "Use another encoder.")
    parts = read_parts(path, rest)
    return Layout(
        root,
        own=True,
        tokens=parts.tokens,
        pooling=parts.pooling,
        tail=parts.tail,
        pooler=first_token_head(root, read_object(root / "config.json")),
        settings=read_settings(root),
        prompts=model.prompts,
        similarity=model.similarity,
        truncate=model.truncate,
        code=code,
    )


def first_kind(path: Path) -> str:
    """The class of the first module, which says what a directory takes in; empty where it names none, or nothing sound."""
    try:
        return list_modules(path)[0][0] if (path / "modules.json").exists() else ""
    except SyncseError:
        return ""  # the transformer's loader then says what is wrong


def read_parts(path: Path, modules: list[tuple[str, Path]]) -> Parts:
    """The modules after the first, which must give tokens. Raises SyncseError (preflight)."""
    pooling: PoolingSpec | None = None
    tokens, tail = list[ModuleSpec](), list[ModuleSpec]()
    for kind, folder in modules:
        spec = read_pooling(folder) if kind == "Pooling" else read_module(kind, folder)
        if isinstance(spec, ModuleSpec) and spec.on == TOKENS:
            tokens += [spec] if pooling is None else []  # after the pooling nothing looks at tokens again
        elif pooling is None and kind == "Normalize":
            continue  # there is no vector yet
        elif (pooling is None) != isinstance(spec, PoolingSpec):
            raise refuse("Unknown pooling", f"{kind} stands out of its place in {path}.", "Use another encoder.")
        elif isinstance(spec, PoolingSpec):
            pooling = spec
        else:
            tail.append(spec)
    if pooling is None:
        raise refuse("Unknown pooling", f"{path}/modules.json names no Pooling module.", "Use another encoder.")
    return Parts(tuple(tokens), pooling, tuple(tail))


def read_tail(path: Path, modules: list[tuple[str, Path]]) -> tuple[ModuleSpec, ...]:
    """The modules after a first that gives vectors. Raises SyncseError (preflight)."""
    specs = [read_module(kind, folder) for kind, folder in modules]
    if any(spec.on == TOKENS for spec in specs):
        raise refuse("Unknown pooling", f"{path} has a module for tokens after its vectors.", "Use another encoder.")
    return tuple(specs)


def list_modules(path: Path) -> list[tuple[str, Path]]:
    """Each module's class and directory, in order; at least one. Raises SyncseError (preflight) for foreign classes."""
    modules = read_json(path / "modules.json")
    if not isinstance(modules, list) or not all(isinstance(m, dict) for m in modules) or not modules:
        raise refuse("Encoder unreadable", f"{path}/modules.json is not a list of modules.", "Copy the model again.")
    return [(_kind(module), _inside(path, str(module.get("path", "")))) for module in modules]


def _kind(module: Mapping[str, Any]) -> str:
    name = str(module.get("type", ""))
    if not name.startswith("sentence_transformers."):
        detail = f"modules.json asks for the class {name!r}, which is not sentence-transformers' own."
        raise refuse("Encoder wants to run code", detail, "Use an encoder made of the library's own modules.")
    return name.rsplit(".", 1)[-1]


def _inside(path: Path, name: str) -> Path:
    folder = (path / name).resolve()
    if not folder.is_relative_to(path.resolve()):
        raise refuse("Encoder unreadable", f"modules.json of {path} points outside it.", "Do not use this model.")
    return path / name


def read_model_settings(path: Path) -> ModelSettings:
    """Raises SyncseError (preflight) where the directory is of another kind of model, or contradicts itself."""
    file = path / "config_sentence_transformers.json"
    config = read_object(file, optional=True)
    kind = config.get("model_type", "SentenceTransformer")
    if kind in _OTHERS:
        raise refuse("Not an encoder", f"{path} is a {kind}: {_OTHERS[kind]}.", "Use an encoder of sentences.")
    truncate = config.get("truncate_dim")
    if truncate is not None and (type(truncate) is not int or truncate < 1):
        raise refuse("Encoder unreadable", f"truncate_dim of {file} is no number of numbers.", "Correct it.")
    named = config.get("prompts") or {}
    if not isinstance(named, dict) or any(text is not None and not isinstance(text, str) for text in named.values()):
        raise refuse("Encoder unreadable", f"prompts of {file} are no texts by name.", "Correct them.")
    default = config.get("default_prompt_name") or ""
    if default and default not in {"query", "document", *named}:
        detail = f"{file} names {str(default)[:60]!r} as its default prompt, and has none of this name."
        raise refuse("Encoder unreadable", detail, "Correct default_prompt_name, or copy the model again.")
    similarity = config.get("similarity_fn_name")
    prompts = Prompts({name: text or "" for name, text in named.items()}, str(default))
    return ModelSettings(prompts, similarity if similarity in SIMILARITIES else "cosine", truncate or 0)


_OTHERS = {
    "CrossEncoder": "it scores pairs of texts and has no vector of a sentence",
    "SparseEncoder": "its vectors are as wide as the vocabulary and are scored by other means",
    "MultiVectorEncoder": "it has a vector for every token",
}
