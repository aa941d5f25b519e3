"""Static embeddings in safetensors: a sentence is the mean of its tokens' rows of one table.

Two layouts: model2vec's (config.json says so; tokens may have weights, unknown ones are left out) and
sentence-transformers' StaticEmbedding module. Needs no torch, unless dense layers follow.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from syncse_local.encoders.base import Stop, refused, stop_if
from syncse_local.encoders.tail import Tail
from syncse_local.modelfiles.encoder_layout import (
    ModelSettings,
    first_kind,
    list_modules,
    read_model_settings,
    read_tail,
)
from syncse_local.modelfiles.encoder_modules import ModuleSpec

LONGEST = 512  # tokens; model2vec's
_BATCH = 1024  # sentences
_TABLES = ("embedding.weight", "embeddings")


@dataclass(frozen=True, slots=True)
class StaticLayout:
    """Where the table and its tokenizer lie, and which of the two ways of taking the mean they are for."""

    root: Path
    model2vec: bool
    tail: tuple[ModuleSpec, ...] = ()
    model: ModelSettings = field(default_factory=ModelSettings)


def static_layout(path: Path) -> StaticLayout | None:
    """The layout of a directory of static embeddings, None for any other path. Raises SyncseError (PREFLIGHT)."""
    config = _json(path / "config.json")
    if isinstance(config, dict) and config.get("model_type") == "model2vec":
        tail = (ModuleSpec("Normalize"),) if config.get("normalize", False) else ()
        return StaticLayout(path, True, tail, read_model_settings(path))
    if first_kind(path) != "StaticEmbedding":
        return None
    (_, root), *rest = list_modules(path)
    return StaticLayout(root, False, read_tail(path, rest), read_model_settings(path))


def _json(path: Path) -> Any:
    """What the file holds; None where it is absent or no JSON (the transformer's loader then says what is wrong)."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


class StaticEncoder:
    """Raises SyncseError (PREFLIGHT) for missing, damaged or inconsistent files and for numbers that are not finite."""

    def __init__(self, layout: StaticLayout) -> None:
        self._layout = layout
        self._tokenizer = _tokenizer(layout.root / "tokenizer.json")
        tensors = _tensors(layout.root)
        self._table = _table(layout.root, tensors)
        self._mapping, self._weights = tensors.get("mapping"), tensors.get("weights")
        self._check()
        self._unknown = _unknown(layout.root) if layout.model2vec else None
        self.settings = {
            "pooling": "mean of a table's rows",
            "max_length": LONGEST if layout.model2vec else 0,
            "precision": str(self._table.dtype),
            "engine": "numpy",
        }
        self.notes: list[str] = []
        self.prompts, self.similarity = layout.model.prompts, layout.model.similarity
        self._tail = Tail(layout.tail, int(self._table.shape[1]), layout.model.truncate)

    def _check(self) -> None:
        """Every token id finds a row, and every number is one."""
        tokens, rows = self._tokenizer.get_vocab_size(), len(self._table)
        short = self._mapping is None and rows < tokens
        short = short or any(part is not None and len(part) < tokens for part in (self._mapping, self._weights))
        out = self._mapping is not None and not (self._mapping.min() >= 0 and self._mapping.max() < rows)
        if short or out:
            detail = (
                f"{self._layout.root}: the tokenizer has {tokens} tokens, which the table of {rows} rows does not fit."
            )
            raise refused(detail, "Copy the model again, with its own tokenizer.")
        parts = [self._table] if self._weights is None else [self._table, self._weights]
        if not all(np.isfinite(part).all() for part in parts):
            raise refused(f"{self._layout.root} holds NaN or infinite numbers.", "Copy the model again.")

    def encode(
        self, sentences: Sequence[str], stop: Stop | None = None, prompt: str | None = None
    ) -> NDArray[np.float32]:
        """See `SentenceEncoder.encode`; a sentence of no known token is the zero vector."""
        before = self.prompts.text() if prompt is None else prompt
        found = np.zeros((len(sentences), self._table.shape[1]), np.float32)
        for start in range(0, len(sentences), _BATCH):
            stop_if(stop, start)
            texts = [(before + s).encode("utf-8", "replace").decode() for s in sentences[start : start + _BATCH]]
            for place, row in enumerate(self._tokenizer.encode_batch(texts, add_special_tokens=False), start):
                found[place] = self._mean(row.ids)
        return self._tail(found)

    def _mean(self, ids: list[int]) -> NDArray[np.float32] | float:
        if self._layout.model2vec:
            ids = [token for token in ids if token != self._unknown][:LONGEST]
        if not ids:
            return 0.0
        rows = self._table[ids if self._mapping is None else self._mapping[ids]].astype(np.float32)
        if self._weights is not None:
            rows *= self._weights[ids].astype(np.float32)[:, None]
        mean: NDArray[np.float32] = rows.mean(axis=0)
        return mean

    def close(self) -> None:
        """Nothing is held open."""


def _tokenizer(path: Path) -> Tokenizer:
    if not path.is_file():
        raise refused(f"{path} is missing.", "Copy tokenizer.json of the same model.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing narrower
        raise refused(f"{path} is no tokenizer.", "Copy the model again.") from error
    tokenizer.no_padding()
    return tokenizer


def _unknown(root: Path) -> int | None:
    """The id of the token for what is not known; None where the tokenizer names none."""
    model = _json(root / "tokenizer.json").get("model", {})
    if isinstance(model.get("unk_id"), int):
        return int(model["unk_id"])
    found = model.get("vocab", {}).get(model.get("unk_token")) if isinstance(model.get("vocab"), dict) else None
    return found if isinstance(found, int) else None


def _tensors(root: Path) -> dict[str, NDArray[Any]]:
    path = root / "model.safetensors"
    if not path.is_file():
        raise refused(f"{root} has no model.safetensors (pickled weights are not read).", "Save it as safetensors.")
    try:
        return load_file(path)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise refused(f"{path} is not a readable safetensors file.", "Copy the model again.") from error


def _table(root: Path, tensors: dict[str, NDArray[Any]]) -> NDArray[Any]:
    for name in _TABLES:
        if name in tensors and tensors[name].ndim == 2:
            return tensors[name]
    raise refused(f"{root}/model.safetensors has no table {' or '.join(_TABLES)}.", "Copy the model again.")
