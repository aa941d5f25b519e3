"""Static embeddings in safetensors: a sentence is the mean of its tokens' rows of one table.

Two layouts: model2vec's (config.json says so; tokens may have weights, unknown ones are left out) and
sentence-transformers' StaticEmbedding module. Needs no torch.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from syncse_local.encoders.base import Stop, refused, stop_if

LONGEST = 512  # tokens; model2vec's
_BATCH = 1024  # sentences
_TABLES = ("embedding.weight", "embeddings")


@dataclass(frozen=True, slots=True)
class StaticLayout:
    """Where the table and its tokenizer lie, and which of the two ways of taking the mean they are for."""

    root: Path
    model2vec: bool
    normalize: bool


def static_layout(path: Path) -> StaticLayout | None:
    """The layout of a directory of static embeddings, None for any other path. Raises SyncseError (PREFLIGHT)."""
    config = _json(path / "config.json")
    if isinstance(config, dict) and config.get("model_type") == "model2vec":
        return StaticLayout(path, True, bool(config.get("normalize", False)))
    modules = _json(path / "modules.json")
    kinds = [str(module.get("type", "")) for module in modules if isinstance(module, dict)] if modules else []
    if not kinds or not kinds[0].endswith(".StaticEmbedding"):
        return None
    if not all(kind.startswith("sentence_transformers.") for kind in kinds) or len(kinds) > 2:
        raise refused(f"{path} has modules after its static embeddings that are not known here.", "Use another model.")
    if kinds[1:] and not kinds[1].endswith(".Normalize"):
        raise refused(f"{path} has the module {kinds[1]!r} after its static embeddings.", "Use another model.")
    root = (path / str(modules[0].get("path", ""))).resolve()
    if not root.is_relative_to(path.resolve()):
        raise refused(f"modules.json of {path} points outside it.", "Do not use this model.")
    return StaticLayout(root, False, bool(kinds[1:]))


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

    def encode(self, sentences: Sequence[str], stop: Stop | None = None) -> NDArray[np.float32]:
        """See `SentenceEncoder.encode`; a sentence of no known token is the zero vector."""
        found = np.zeros((len(sentences), self._table.shape[1]), np.float32)
        for start in range(0, len(sentences), _BATCH):
            stop_if(stop, start)
            texts = [s.encode("utf-8", "replace").decode() for s in sentences[start : start + _BATCH]]
            for place, row in enumerate(self._tokenizer.encode_batch(texts, add_special_tokens=False), start):
                found[place] = self._mean(row.ids)
        if self._layout.normalize:
            norms = np.linalg.norm(found, axis=1, keepdims=True)
            np.divide(found, norms, out=found, where=norms > 0)
        return found

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
