"""Word vectors as text, GloVe's or word2vec's (a first line with counts), plain or gzip: the mean of the known words.

The file is read once for each call and only the words that occur are kept, so that size matters to time alone.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.encoders.base import Stop, refused, stop_if
from syncse_local.modelfiles.prompts import Prompts

_PARTS = re.compile(r"\w+|[^\w\s]")
_LINE_LIMIT = 1 << 20  # bytes
_ASK_EVERY = 10_000  # lines


class WordVectors:
    """A word is looked up as it stands, then in lower case, then in its parts (letters apart from signs).

    Raises SyncseError (PREFLIGHT) for a file that holds no vectors, at once; for a faulty line, when it is read.
    """

    prompts, similarity = Prompts(), "cosine"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._header, self._width = self._shape()
        self.settings = {"pooling": "mean of the words", "max_length": 0, "precision": "float32", "engine": "numpy"}
        self.notes: list[str] = []

    def _shape(self) -> tuple[bool, int]:
        """Whether the first line is a header, and the numbers of a vector."""
        lines = self._lines()
        fields = next(lines, b"").split()
        if len(fields) == 2 and all(field.isdigit() for field in fields):
            return True, int(fields[1])
        if len(fields) < 3 or not _is_number(fields[-1]):
            raise refused(f"{self._path} does not begin with a word and its numbers.", "Give word vectors as text.")
        return False, len(fields) - 1

    def _lines(self) -> Iterator[bytes]:
        opener: Any = gzip.open if self._path.suffix == ".gz" else Path.open
        try:
            with opener(self._path, "rb") as stream:
                while line := stream.readline(_LINE_LIMIT):
                    yield line
        except (OSError, EOFError, zlib.error) as error:
            raise refused(f"{self._path} cannot be read to its end ({error}).", "Copy the file again.") from error

    def encode(
        self, sentences: Sequence[str], stop: Stop | None = None, prompt: str | None = None
    ) -> NDArray[np.float32]:
        """See `SentenceEncoder.encode`; a sentence of no known word is the zero vector, and is counted in the notes."""
        sentences = [f"{prompt or ''}{sentence}" for sentence in sentences]
        spelled = {form for sentence in sentences for word in sentence.split() for form in _forms(word)}
        table = self._read({form.encode("utf-8", "replace") for form in spelled}, stop)
        found = np.zeros((len(sentences), self._width), np.float32)
        empty = 0
        for place, sentence in enumerate(sentences):
            vectors = [vector for word in sentence.split() for vector in _look_up(word, table)]
            empty += not vectors
            if vectors:
                found[place] = np.mean(vectors, axis=0)
        if empty:
            self.notes.append(f"{empty} of {len(sentences)} sentences have no known word: their vector is zero")
        return found

    def _read(self, wanted: set[bytes], stop: Stop | None) -> dict[str, NDArray[np.float32]]:
        table: dict[str, NDArray[np.float32]] = {}
        for number, line in enumerate(self._lines(), start=1):
            if number % _ASK_EVERY == 1:
                stop_if(stop, 0)
            if number == 1 and self._header:
                continue
            word, *numbers = line.rstrip().rsplit(b" ", self._width)
            if word not in wanted:
                continue
            table.setdefault(word.decode("utf-8", "replace"), self._vector(number, numbers))
        return table

    def _vector(self, number: int, fields: list[bytes]) -> NDArray[np.float32]:
        try:
            vector = np.array(fields, dtype=np.float64).astype(np.float32)
        except ValueError:
            vector = np.empty(0, np.float32)
        if len(vector) != self._width or not np.isfinite(vector).all():
            detail = f"{self._path}, line {number}: {self._width} finite numbers are wanted after the word."
            raise refused(detail, "The file may be cut short; copy it again.")
        return vector

    def close(self) -> None:
        """Nothing is held open."""


def _forms(word: str) -> Iterator[str]:
    for form in (word, word.lower()):
        yield form
        yield from _PARTS.findall(form)


def _look_up(word: str, table: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    for form in (word, word.lower()):
        if form in table:
            return [table[form]]
    forms = [part if part in table else part.lower() for part in _PARTS.findall(word)]
    return [table[form] for form in forms if form in table]


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
