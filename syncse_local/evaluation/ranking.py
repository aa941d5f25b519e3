"""Ranking measures over one query's candidates. Knows no task and no encoder.

`average_precision` is MTEB v1's (scikit-learn's), where equal scores count as one step; the others are MTEB v2's
(trec_eval's), on candidates `ranked` by score, where equal scores keep the order in which the candidates are given.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Gains = NDArray[np.int64]
"""Relevance of each candidate: above 0 is relevant, and more is better."""


def average_precision(gains: Gains, scores: Floats) -> float:
    """Precision averaged over the relevant candidates; candidates with one score enter together. 0 where none is relevant."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(gains[order] > 0)
    last = np.append(np.diff(scores[order]) != 0, True)
    found, ranks = hits[last], np.flatnonzero(last) + 1
    return float((np.diff(found, prepend=0) * found / ranks).sum() / max(hits[-1], 1))


def ranked(gains: Gains, scores: Floats) -> Gains:
    """The gains by falling score."""
    return gains[np.argsort(-scores, kind="stable")]


def average_precision_at(k: int, ranking: Gains, relevant: int) -> float:
    """Precision at the rank of each relevant candidate up to `k`, summed and divided by all `relevant` ones."""
    ranks = np.flatnonzero(ranking[:k] > 0) + 1
    return float((np.arange(1, len(ranks) + 1) / ranks).sum() / relevant)


def reciprocal_rank_at(k: int, ranking: Gains) -> float:
    """One over the rank of the first relevant candidate; 0 where it comes after `k`."""
    ranks = np.flatnonzero(ranking[:k] > 0)
    return 1.0 / (int(ranks[0]) + 1) if len(ranks) else 0.0


def ndcg_at(k: int, ranking: Gains, ideal: Gains) -> float:
    """Gains discounted by log2(rank + 1) up to `k`, over those of the best order of all gains, `ideal`."""
    return _discounted(ranking[:k]) / _discounted(np.sort(ideal)[::-1][:k])


def _discounted(gains: Gains) -> float:
    return float((np.maximum(gains, 0) / np.log2(np.arange(2, len(gains) + 2))).sum())
