"""sentence-transformers' oldest encoders: a table of word vectors with modules around a pooling, or a bag of words.

For evaluation; the trainer takes transformers. Words are split at white space, as the library's WhitespaceTokenizer does.
"""

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from syncse_local.encoders.base import Stop, refused, stop_if
from syncse_local.encoders.modules import build
from syncse_local.encoders.modules.pooling import Pooling
from syncse_local.encoders.modules.states import TokenStates
from syncse_local.encoders.tail import Tail
from syncse_local.modelfiles.encoder_files import module_weights, read_object
from syncse_local.modelfiles.encoder_layout import list_modules, read_model_settings, read_parts, read_tail

_BATCH = 1024  # sentences
_FIND = "Copy the model again, or use another one."


@dataclass(frozen=True)
class Words:
    """A vocabulary and how words are looked up in it: as they stand, without punctuation around them, in lower case."""

    places: Mapping[str, int]
    ignored: frozenset[str] = frozenset()
    lower: bool = False

    def ids(self, text: str) -> list[int]:
        """The known words' places, in order; those to be ignored are left out in whatever form they are met."""
        words = (text.lower() if self.lower else text).split()
        return [place for word in words if (place := self._place(word)) is not None]

    def _place(self, word: str) -> int | None:
        bare = word.strip(string.punctuation)
        for form in (word, bare, bare.lower()):
            if form in self.ignored:
                return None
            if form in self.places:
                return self.places[form]
        return None


class WordEncoder:
    """Raises SyncseError (PREFLIGHT) for files that are missing, damaged, or of a tokenizer or module not known."""

    def __init__(self, path: Path) -> None:
        (kind, folder), *rest = list_modules(path)
        model = read_model_settings(path)
        self.prompts, self.similarity = model.prompts, model.similarity
        if kind == "BoW":
            self._input: _Table | _Bag = _Bag(folder)
            specs = read_tail(path, rest)
        else:
            parts = read_parts(path, rest)
            self._input = _Table(folder, parts)
            specs = parts.tail
        self._tail = Tail(specs, self._input.width, model.truncate)
        self.settings = {
            "pooling": "own",
            "max_length": self._input.longest,
            "precision": "float32",
            "engine": "torch cpu",
        }
        self.notes: list[str] = []

    def encode(
        self, sentences: Sequence[str], stop: Stop | None = None, prompt: str | None = None
    ) -> NDArray[np.float32]:
        """See `SentenceEncoder.encode`; a sentence of no known word is the modules' answer to no word."""
        before = self.prompts.text() if prompt is None else prompt
        rows = [self._input.words.ids(before + sentence) for sentence in sentences]
        found = np.zeros((len(rows), self._input.width), np.float32)
        done = 0
        for group in _groups(rows):
            stop_if(stop, done)
            found[group] = self._input.vectors([rows[place] for place in group])
            done += len(group)
        return self._tail(found)

    def close(self) -> None:
        """Nothing is held open."""


class _Bag:
    """A sentence is a number for every word of the vocabulary: its weight, once or as often as it occurs."""

    longest = 0

    def __init__(self, folder: Path) -> None:
        config = read_object(folder / "config.json")
        vocabulary = _vocabulary(folder, config)
        weights, unknown = config.get("word_weights") or {}, config.get("unknown_word_weight", 1)
        if not isinstance(weights, dict) or not all(isinstance(n, (int, float)) for n in (*weights.values(), unknown)):
            raise refused(f"{folder} has word weights that are no numbers.", _FIND)
        self.words = Words({word: place for place, word in enumerate(vocabulary)})
        each = [weights.get(word, weights.get(word.lower(), unknown)) for word in vocabulary]
        self._weights, self.width = np.array(each, np.float32), len(vocabulary)
        self._often = config.get("cumulative_term_frequency", True) is not False

    def vectors(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """(n, vocabulary)."""
        counts = np.stack([np.bincount(row, minlength=self.width) for row in rows])
        weighted: NDArray[np.float32] = ((counts if self._often else np.minimum(counts, 1)) * self._weights).astype(
            "f4"
        )
        return weighted


class _Table:
    """A sentence's words are rows of a table, which go through the modules to the pooling."""

    def __init__(self, folder: Path, parts: Any) -> None:
        config = read_object(folder / "wordembedding_config.json")
        if not str(config.get("tokenizer_class", "")).endswith(".WhitespaceTokenizer"):
            raise refused(
                f"{folder} splits words by {str(config.get('tokenizer_class'))[:80]!r}, not known here.", _FIND
            )
        told = read_object(folder / "whitespacetokenizer_config.json")
        vocabulary, ignored = _vocabulary(folder, told), told.get("stop_words") or []
        if not isinstance(ignored, list) or not all(isinstance(word, str) for word in ignored):
            raise refused(f"{folder} has stop words that are no words.", _FIND)
        places = {word: place for place, word in enumerate(vocabulary)}
        self.words = Words(places, frozenset(ignored), told.get("do_lower_case") is True)
        length = config.get("max_seq_length")
        self.longest = length if type(length) is int and length > 0 else 0
        self._table = _embeddings(module_weights(folder), len(places))
        self._before: list[Any] = [build(spec).eval() for spec in parts.tokens]
        self._pooling = Pooling(parts.pooling.modes, parts.pooling.include_prompt)
        width = int(self._table.shape[1])
        for module in self._before:
            if module.inputs not in (0, width):
                raise refused(f"{folder}: a module expects {module.inputs} numbers, it would be given {width}.", _FIND)
            width = module.outputs or width
        self.width = width * len(parts.pooling.modes)

    @torch.inference_mode()
    def vectors(self, rows: list[list[int]]) -> NDArray[np.float32]:
        """(n, width) of rows of one length; no word at all is one of padding, which counts for nothing."""
        cut = [row[: self.longest or None] for row in rows]
        ids = torch.tensor([row or [0] for row in cut])
        mask = torch.tensor([[1] * len(row) or [0] for row in cut])
        found = TokenStates(self._table[ids], mask, ids)
        for module in self._before:
            found = module(found)
        vectors: NDArray[np.float32] = self._pooling(found).numpy()
        return vectors


def _groups(rows: list[list[int]]) -> Iterator[list[int]]:
    """Places of rows of one length, so that nothing is padded."""
    by_length: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        by_length.setdefault(len(row), []).append(place)
    for places in by_length.values():
        for start in range(0, len(places), _BATCH):
            yield places[start : start + _BATCH]


def _vocabulary(folder: Path, config: Mapping[str, Any]) -> list[str]:
    words = config.get("vocab")
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise refused(f"{folder} has no vocabulary.", _FIND)
    return list(dict.fromkeys(words))


def _embeddings(path: Path, words: int) -> torch.Tensor:
    try:
        table = load_file(path).get("emb_layer.weight")
    except (OSError, SafetensorError) as error:
        raise refused(f"{path} is not a safetensors file.", "Copy the model again.") from error
    if table is None or table.ndim != 2 or len(table) < words or not bool(torch.isfinite(table).all()):
        raise refused(f"{path} has no table of finite numbers for {words} words.", "Copy the model again.")
    return table.float()
