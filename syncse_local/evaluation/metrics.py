"""Correlations and cosines over arrays. Knows no task and no encoder; an undefined correlation is None, never 0."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.spatial import distance

from syncse_local.errors import SyncseError

Floats = NDArray[np.float64]
DIGITS = 9
"""Decimals of a pair's cosine. Equal sentences give 1 to 2e-16, now above and now below, and a rank correlation took that
for an order (79 pairs of STS12: 0.0013 points). Vectors in single precision leave distinct cosines 1e-8 apart or more: nothing
else becomes a tie."""


def spearman(gold: ArrayLike, predicted: ArrayLike) -> float | None:
    """Spearman's rank correlation with tied ranks averaged, -1 to 1; None when either side is constant.

    Raises SyncseError for fewer than two pairs, unequal lengths, or a value that is not finite.
    """
    return _correlation(gold, predicted, stats.spearmanr)


def pearson(gold: ArrayLike, predicted: ArrayLike) -> float | None:
    """Pearson's correlation, -1 to 1; None and errors as `spearman`."""
    return _correlation(gold, predicted, stats.pearsonr)


def paired_cosine(first: ArrayLike, second: ArrayLike) -> Floats:
    """Cosine of each row of `first` with the same row of `second`: (n, d), (n, d) -> (n,), in double precision.

    A zero vector has no direction: its cosine is given as 0, as scikit-learn does. Rounded to DIGITS, so that ties are ties.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape:
        raise _error(f"paired embeddings need one shape (n, d) but have {a.shape} and {b.shape}")
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    dots = np.einsum("nd,nd->n", a, b)
    cosines: Floats = np.divide(dots, norms, out=np.zeros_like(dots), where=norms > 0)
    return cosines.round(DIGITS)


def unit(vectors: ArrayLike) -> Floats:
    """Each row of (n, d) at length one, in double precision; a zero row stays zero."""
    rows = np.asarray(vectors, dtype=np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Floats = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    return scaled


def similarity(kind: str, first: ArrayLike, second: ArrayLike) -> Floats:
    """Every row of (n, d) `first` with every row of (m, d) `second`: (n, m), more is nearer; in double precision.

    `kind` is sentence-transformers' name: cosine, dot, euclidean or manhattan; a distance counts with a minus.
    """
    if kind == "cosine":
        return unit(first) @ unit(second).T
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if kind == "dot":
        return a @ b.T
    found: Floats = -distance.cdist(a, b, {"euclidean": "euclidean", "manhattan": "cityblock"}[kind])
    return found


def _correlation(gold: ArrayLike, predicted: ArrayLike, statistic: Callable[..., Any]) -> float | None:
    x, y = np.asarray(gold, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise _error(f"gold and predictions need one length but have shapes {x.shape} and {y.shape}")
    if x.size < 2:
        raise _error(f"a correlation needs at least two pairs and has {x.size}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise _error("a gold score or a prediction is not a finite number")
    if np.all(x == x[0]) or np.all(y == y[0]):
        return None
    value = float(statistic(x, y).statistic)
    return value if np.isfinite(value) else None


def _error(detail: str) -> SyncseError:
    return SyncseError("No correlation", f"{detail[0].upper()}{detail[1:]}.", "Check the task's files and the encoder.")
