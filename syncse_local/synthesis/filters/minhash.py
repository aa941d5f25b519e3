"""MinHash of short texts, seeded: signatures whose agreement estimates Jaccard similarity, and bands to look them up by.

One hash a shingle and one bin a shingle; an empty bin borrows from another, chosen by its number alone, which keeps the
estimate unbiased (Shrivastava 2017, optimal densification). Knows no triplets.
"""

import hashlib
from functools import cache

BINS = 64  # the estimate's standard error is at most 1 / (2 * 8) = 0.06; pairs found are compared exactly
ROWS = 4  # bins a band: at a similarity of 0.8, 16 bands of 4 miss one pair in ten thousand
WIDTH = 4  # characters a shingle
_EMPTY = -1  # no hash is negative

Signature = tuple[int, ...]


def shingles(text: str) -> frozenset[str]:
    """Runs of four characters of the text in lower case, spaces and punctuation as one space."""
    padded = " ".join("".join(char if char.isalnum() else " " for char in text.lower()).split())
    padded = f" {padded} "
    return frozenset(padded[i : i + WIDTH] for i in range(max(1, len(padded) - WIDTH + 1)))


def signature(items: frozenset[str], seed: int = 1) -> Signature:
    """BINS numbers that depend on the items and the seed alone. Raises ValueError for no items."""
    if not items:
        raise ValueError("a signature needs at least one item")
    bins = [_EMPTY] * BINS
    salt = seed.to_bytes(8, "big")
    for item in items:
        digest = hashlib.blake2b(item.encode("utf-8", "surrogatepass"), digest_size=8, key=salt).digest()
        number = int.from_bytes(digest, "big")
        place, value = number % BINS, number // BINS
        if bins[place] == _EMPTY or value < bins[place]:
            bins[place] = value
    return tuple(value if value != _EMPTY else _borrowed(bins, place, seed) for place, value in enumerate(bins))


def _borrowed(bins: list[int], place: int, seed: int) -> int:
    for other in _lenders(place, seed):
        if bins[other] != _EMPTY:
            return bins[other]
    return next(value for value in bins if value != _EMPTY)


@cache
def _lenders(place: int, seed: int) -> tuple[int, ...]:
    """The bins that an empty one asks, in its order: the same for every text."""
    text = f"{seed} {place}".encode()
    return tuple(byte % BINS for byte in hashlib.shake_128(text).digest(4 * BINS))


def estimate(first: Signature, second: Signature) -> float:
    """The estimated Jaccard similarity of the sets behind two signatures of one seed."""
    return sum(a == b for a, b in zip(first, second, strict=True)) / BINS


def bands(found: Signature) -> list[tuple[int, ...]]:
    """The signature's bands; two texts are worth comparing when they share one."""
    return [(i, *found[i : i + ROWS]) for i in range(0, BINS, ROWS)]
