"""How near an encoder finds each sentence to its positive and to its hard negative. Knows no encoder and no run.

Heavy: loaded only inside a worker.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.synthesis.report.tally import OVERLAPS
from syncse_local.synthesis.report.vectors import Floats, unit

Triplets = tuple[Sequence[str], Sequence[str], Sequence[str]]
SURE = 2.0
"""Standard errors by which positives must be nearer on average: 95 % of a normal distribution."""


def faithfulness(triplets: Triplets, vectors: Mapping[str, NDArray[np.float32]]) -> dict[str, Any] | None:
    """Cosines of n sentences with their positives and hard negatives; None where there is no vector or no triplet.

    `positive` and `negative` are means from -1 to 1, `nearer` the share of triplets whose positive is the nearer one, `gap` the
    mean difference and `error` its standard error. `histograms` count cosines in tenths from 0; what is below 0 is in the first.
    `doubtful`: the positives are on average not nearer by more than chance.
    """
    if not vectors or not triplets[0]:
        return None
    anchor, positive, negative = (unit(np.stack([vectors[text] for text in texts])) for texts in triplets)
    near, far = _cosines(anchor, positive), _cosines(anchor, negative)
    gaps = near - far
    error = float(gaps.std(ddof=1) / np.sqrt(len(gaps))) if len(gaps) > 1 else float("inf")
    return {
        "triplets": len(gaps),
        "positive": round(float(near.mean()), 5),
        "negative": round(float(far.mean()), 5),
        "nearer": round(float((gaps > 0).mean()), 5),
        "gap": round(float(gaps.mean()), 5),
        "error": round(error, 5) if np.isfinite(error) else None,
        "histograms": {"positive": _histogram(near), "negative": _histogram(far)},
        "doubtful": bool(gaps.mean() <= SURE * error),
    }


def _cosines(first: Floats, second: Floats) -> Floats:
    found: Floats = np.sum(first * second, axis=1)
    return found


def _histogram(cosines: Floats) -> list[int]:
    places = np.clip((cosines * OVERLAPS).astype(int), 0, OVERLAPS - 1)
    return [int(count) for count in np.bincount(places, minlength=OVERLAPS)]
