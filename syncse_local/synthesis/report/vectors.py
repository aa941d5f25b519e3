"""Diversity of texts by an encoder's vectors: the Vendi score and the mean pairwise cosine. Knows no encoder.

Heavy: loaded only inside a worker.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def unit(vectors: NDArray[np.floating]) -> Floats:
    """(n, d) rows of length 1, as float64; a row of zeros stays one."""
    rows = vectors.astype(np.float64)
    scaled: Floats = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return scaled


def vendi_score(vectors: NDArray[np.floating]) -> float | None:
    """How many different texts there seem to be, from 1 (all the same) to n (all orthogonal). None for no rows.

    Friedman & Dieng 2022 (The Vendi Score, definition 3.1) with the cosine as similarity: the exponential of the entropy of the
    eigenvalues of K / n. Those other than 0 are also the eigenvalues of the (d, d) matrix, which is taken where it is smaller.
    """
    rows = unit(vectors)
    n, dimension = rows.shape
    if not n:
        return None
    values = np.linalg.eigvalsh((rows.T @ rows if dimension < n else rows @ rows.T) / n)
    values = values[values > 1e-12]
    values /= values.sum()
    return float(np.exp(-np.sum(values * np.log(values))))


def mean_cosine(vectors: NDArray[np.floating]) -> float | None:
    """Mean cosine over all pairs of different rows, -1 to 1. None for fewer than two rows."""
    rows = unit(vectors)
    n = len(rows)
    if n < 2:
        return None
    total = rows.sum(axis=0)
    return float((total @ total - np.sum(rows * rows)) / (n * (n - 1)))
