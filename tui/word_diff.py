"""Which words of a text are new beside the sentence it was made from, and which words of the sentence are gone.

Knows words and their places; knows no widget and no style.
"""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")
MOST_WORDS = 200
"""Longer texts are not compared: the time grows with the square, and nobody reads that many marks."""


class Piece(NamedTuple):
    """A stretch of a text: `new` where the sentence lacks it."""

    text: str
    new: bool


class Difference(NamedTuple):
    """A text in pieces, and the stretches of the sentence that it lacks."""

    pieces: tuple[Piece, ...]
    gone: tuple[str, ...]


def compare(sentence: str, text: str) -> Difference:
    """The difference of `text` to `sentence` by words, whatever their case."""
    before, after = list(WORD.finditer(sentence)), list(WORD.finditer(text))
    if max(len(before), len(after)) > MOST_WORDS:
        return Difference((Piece(text, False),), ())
    pieces: list[Piece] = []
    gone: list[str] = []
    reached = 0
    for kind, i, j, k, m in SequenceMatcher(None, _folded(before), _folded(after), autojunk=False).get_opcodes():
        if j > i and kind != "equal":
            gone.append(sentence[before[i].start() : before[j - 1].end()])
        if m > k and kind != "equal":
            start, end = after[k].start(), after[m - 1].end()
            pieces += [Piece(text[reached:start], False), Piece(text[start:end], True)]
            reached = end
    pieces.append(Piece(text[reached:], False))
    return Difference(tuple(piece for piece in pieces if piece.text), tuple(gone))


def _folded(words: list[re.Match[str]]) -> list[str]:
    return [word.group().casefold() for word in words]
