"""Diversity of texts by their words and letters: distinct-n, self-BLEU, compression ratio. Knows no run and no model.

All three depend on how many texts they see, so only figures over equally many are comparable.
"""

import gzip
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

Tokens = Sequence[str]
Gram = tuple[str, ...]
ORDER = 4
"""Self-BLEU with 1- to 4-grams, as BLEU has them."""
SMOOTHING = 0.1
"""What a precision of zero has for a numerator (method 1 of Chen & Cherry 2014, as in Texygen's self-BLEU)."""


def grams(tokens: Tokens, n: int) -> Iterator[Gram]:
    """Runs of n tokens, in order."""
    return (tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1))


def distinct(texts: Sequence[Tokens], n: int) -> float | None:
    """Different n-grams over all n-grams of the texts, 0 to 1; higher is more diverse. None where there is no n-gram.

    Distinct-n, Li et al. 2016 (A Diversity-Promoting Objective Function for Neural Conversation Models, section 5), who divide by
    the tokens: the n-grams are used here, so that 1 says that nothing was repeated whatever the length.
    """
    seen: set[Gram] = set()
    count = 0
    for tokens in texts:
        found = list(grams(tokens, n))
        seen.update(found)
        count += len(found)
    return len(seen) / count if count else None


def compression_ratio(texts: Sequence[str]) -> float | None:
    """Bytes of the texts over the bytes that gzip makes of them; higher is more repetitive. None for no bytes.

    Shaib et al. 2024 (Standardizing the Measurement of Text Diversity, section 3): the texts joined by spaces, level 9. gzip looks
    32 KB back, so the order of the texts matters a little; samples come in a seeded order.
    """
    joined = " ".join(texts).encode("utf-8", "surrogatepass")
    return len(joined) / len(gzip.compress(joined, 9, mtime=0)) if joined else None


def self_bleu(texts: Sequence[Tokens]) -> float | None:
    """Mean BLEU-4 of each text against all others, 0 to 1; higher is less diverse. None for fewer than two texts.

    Zhu et al. 2018 (Texygen, section 3.2). A text of fewer than four tokens is scored by the orders it has; one of none is left out.
    """
    full = [tokens for tokens in texts if tokens]
    if len(full) < 2:
        return None
    counted = [[Counter(grams(tokens, n)) for n in range(1, min(ORDER, len(tokens)) + 1)] for tokens in full]
    most = _highest(counted)
    lengths = sorted(map(len, full))
    return math.fsum(_bleu(own, most, len(tokens), lengths) for own, tokens in zip(counted, full, strict=True)) / len(
        full
    )


def _highest(counted: Sequence[Sequence[Counter[Gram]]]) -> dict[Gram, tuple[int, int]]:
    """For each n-gram its highest count in one text, and the highest in any other."""
    most: dict[Gram, tuple[int, int]] = {}
    for orders in counted:
        for counts in orders:
            for gram, count in counts.items():
                first, second = most.get(gram, (0, 0))
                most[gram] = (count, first) if count > first else (first, max(second, count))
    return most


def _bleu(own: Sequence[Counter[Gram]], most: dict[Gram, tuple[int, int]], size: int, lengths: Sequence[int]) -> float:
    """One text's BLEU; of its n-grams those count that the others have, at most as often as the one that has most."""
    logs = 0.0
    for counts in own:
        hits = 0
        for gram, count in counts.items():
            first, second = most[gram]
            hits += min(count, second if count == first else first)
        logs += math.log((hits or SMOOTHING) / counts.total())
    return math.exp(logs / len(own)) * _brevity(size, lengths)


def _brevity(size: int, lengths: Sequence[int]) -> float:
    """BLEU's penalty against the closest length among the other texts, the shorter of two as close."""
    place = bisect_left(lengths, size)
    around = [lengths[i] for i in (place - 1, place + 1) if 0 <= i < len(lengths)]
    closest = min(around, key=lambda length: (abs(length - size), length))
    return 1.0 if size >= closest else math.exp(1 - closest / size)
