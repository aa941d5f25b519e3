"""Lexical overlap: positives that are copies, negatives that are copies or have nothing to do with their sentence.

Chance is what two rows of the same corpus share: the mean overlap of a sentence with another row's negative.
"""

import hashlib
from collections.abc import Iterable
from itertools import pairwise

from syncse_local.synthesis.filters.settings import Lexical
from syncse_local.synthesis.filters.verdict import Candidate, Check, Finding, Reason, drop_if
from syncse_local.text.clean import squash
from syncse_local.text.words import overlap

VERSION = 1
"""Of this filter's outcomes: goes up with every change of one, and stands beside each verdict."""
ENOUGH = 20  # rows; fewer say nothing about chance
SAMPLED = 10_000
"""Rows that chance is measured on: its standard error is then below a thousandth, and a million rows cost no more."""


def checks(settings: Lexical, chance: float) -> list[Check]:
    """`positive_copy`, `negative_copy`, `same_pair` and `negative_far`; each scores the overlap it looks at."""

    def positive_copy(row: Candidate) -> Finding:
        score = overlap(row.sentence, row.positive)
        return drop_if(Reason.COPY if score > settings.max_overlap else None, score)

    def negative_copy(row: Candidate) -> Finding:
        same = same_letters(row.sentence, row.negative)
        return drop_if(Reason.COPY if same else None, overlap(row.sentence, row.negative))

    def same_pair(row: Candidate) -> Finding:
        same = same_letters(row.positive, row.negative)
        return drop_if(Reason.SAME if same else None, overlap(row.positive, row.negative))

    def negative_far(row: Candidate) -> Finding:
        score = overlap(row.sentence, row.negative)
        return drop_if(Reason.BELOW_CHANCE if score < settings.min_chance * chance else None, score)

    found = (positive_copy, negative_copy, same_pair, negative_far)
    return [Check(judge.__name__, VERSION, judge) for judge in found]


def same_letters(first: str, second: str) -> bool:
    """Whether two texts differ in case, spacing and punctuation at most."""
    return first == second or (squash(first) == squash(second) != "")


def chance_overlap(rows: Iterable[Candidate]) -> float:
    """Mean overlap of a sentence with another sentence's negative, whatever the rows' order; 0 for a few rows."""
    ranked = sorted((_rank(row), row) for row in rows)[:SAMPLED]
    pairs = [(one, other) for (_, one), (_, other) in pairwise(ranked) if one.key != other.key]
    if len(pairs) < ENOUGH:
        return 0.0
    return sum(overlap(one.sentence, other.negative) for one, other in pairs) / len(pairs)


def _rank(row: Candidate) -> bytes:
    text = "\x1f".join(row[1:]).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(text, digest_size=8).digest()
