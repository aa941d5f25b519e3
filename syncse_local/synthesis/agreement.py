"""How far persons agree with each other and with an LLM judge: Cohen's kappa and Spearman's rank correlation.

Plain arithmetic over stored reviews and scores; asks nobody. Imports nothing heavy.
"""

import math
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from syncse_local.store import measurements, review
from syncse_local.synthesis.filters.settings import Judge

ENOUGH = 10
"""Triplets in common below which no figure is given."""
MULTICSR = Judge()
"""The rule by which a judge's scores are a yes: that of the filter `judge` as it comes."""


def kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Cohen's kappa of two raters' yes and no; None where both always say the same one word."""
    count = len(first)
    same = sum(a == b for a, b in zip(first, second, strict=True)) / count
    yes, also = sum(first) / count, sum(second) / count
    chance = yes * also + (1 - yes) * (1 - also)
    return (same - chance) / (1 - chance) if chance < 1 else None


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's rank correlation with mean ranks for ties; None where one side is constant."""
    one, two = _ranks(first), _ranks(second)
    middle = (len(one) + 1) / 2
    both = math.fsum((a - middle) * (b - middle) for a, b in zip(one, two, strict=True))
    spread = math.fsum((a - middle) ** 2 for a in one) * math.fsum((b - middle) ** 2 for b in two)
    return both / math.sqrt(spread) if spread else None


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end + 1 < len(order) and values[order[end + 1]] == values[order[start]]:
            end += 1
        for place in order[start : end + 1]:
            ranks[place] = (start + end) / 2 + 1
        start = end + 1
    return ranks


def agreement(connection: sqlite3.Connection, run_id: str) -> list[dict[str, Any]]:
    """Each two persons, and each person with each judge that scored what they reviewed.

    A person's edit counts as a rejection of the texts as they were. The judge's verdict is MultiCSR's rule; its score is how
    much nearer it finds the positive than the hard negative.
    """
    said: dict[str, dict[int, bool]] = defaultdict(dict)
    texts: dict[int, dict[str, Any]] = {}
    for row in review.listed(connection, run_id):
        said[row["author"]][row["ordinal"]] = row["action"] == "accept"
        texts[row["ordinal"]] = row
    found = []
    for one, two in combinations(sorted(said), 2):
        common = sorted(said[one].keys() & said[two].keys())
        found.append(_figures(one, two, [said[one][o] for o in common], [said[two][o] for o in common], None))
    for judge in measurements.instruments(connection, "judge:"):
        scores = {o: pair for o, row in texts.items() if (pair := _scores(connection, judge, row)) is not None}
        for author in sorted(said):
            common = sorted(said[author].keys() & scores.keys())
            kept = [scores[o][0] >= MULTICSR.min_positive and scores[o][1] <= MULTICSR.max_negative for o in common]
            margins = [scores[o][0] - scores[o][1] for o in common]
            found.append(_figures(author, judge, [said[author][o] for o in common], kept, margins))
    return found


def _scores(connection: sqlite3.Connection, judge: str, row: dict[str, Any]) -> tuple[float, float] | None:
    keys = (measurements.pair_key(row["sentence"], row[side]) for side in ("positive", "negative"))
    positive, negative = (measurements.value(connection, judge, key) for key in keys)
    return None if positive is None or negative is None else (positive, negative)


def _figures(
    one: str, two: str, first: Sequence[bool], second: Sequence[bool], scores: Sequence[float] | None
) -> dict[str, Any]:
    enough = len(first) >= ENOUGH
    return {
        "first": one,
        "second": two,
        "triplets": len(first),
        "agree": sum(a == b for a, b in zip(first, second, strict=True)),
        "kappa": kappa(first, second) if enough else None,
        "spearman": spearman([float(a) for a in first], scores if scores is not None else [float(b) for b in second])
        if enough
        else None,
        "enough": enough,
    }
