"""Texts as words and letters, for filters that compare them. Knows no filter."""

import re
from functools import lru_cache
from typing import TypeVar

from syncse_local.text.clean import words

_T = TypeVar("_T")
LOOKED_AT = 4_000
"""Characters compared; an accepted text is far shorter."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


@lru_cache(maxsize=8192)
def tokens(text: str) -> tuple[str, ...]:
    """Words in lower case; a script that does not space its words gives characters."""
    found: list[str] = []
    for word in words(text[:LOOKED_AT]):
        found += list(word) if _UNSPACED.search(word) else [word]
    return tuple(found)


def jaccard(first: frozenset[_T], second: frozenset[_T]) -> float:
    """The share of what either has that both have; 1 for two empty sets."""
    either = len(first | second)
    return len(first & second) / either if either else 1.0


def overlap(first: str, second: str) -> float:
    """Jaccard similarity of two texts' words, 0 to 1."""
    return jaccard(frozenset(tokens(first)), frozenset(tokens(second)))
