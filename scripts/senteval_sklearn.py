"""SentEval's transfer protocol (senteval/tools/validation.py) put together from scikit-learn: the reference for ours.

Knows our reader and features, nothing of our folds, fits or choices.
"""

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from syncse_local.evaluation.base import Vectors
from syncse_local.evaluation.transfer import TransferData

TIGHT = {"random_state": 1111, "tol": 1e-6, "max_iter": 2000}  # the default tolerance ends well before the optimum
DEFAULT = {"random_state": 1111}


def folds() -> Any:
    """Ten stratified folds, shuffled with SentEval's seed."""
    return StratifiedKFold(n_splits=10, shuffle=True, random_state=1111)


def predictions(data: TransferData, vectors: Vectors, settings: dict[str, Any] = TIGHT) -> tuple[Any, Any]:
    """(gold, predicted) classes of the scored split, with LogisticRegression(**settings)."""

    def fitted(x: Any, y: Any, c: float) -> Any:
        return LogisticRegression(C=c, **settings).fit(x, y)

    def chosen(x: Any, y: Any, grid: list[float]) -> float:
        means = [np.mean([fitted(x[a], y[a], c).score(x[b], y[b]) for a, b in folds().split(x, y)]) for c in grid]
        return grid[int(np.argmax([round(100 * mean, 2) for mean in means]))]

    x, y = {}, {}
    for split, examples in data.splits.items():
        sides = [vectors.of([text or "." for text in side]) for side in zip(*(e.texts for e in examples), strict=True)]
        x[split] = sides[0] if len(sides) == 1 else np.c_[np.abs(sides[0] - sides[1]), sides[0] * sides[1]]
        y[split] = np.array([example.label for example in examples])
    narrow, wide = [2.0**t for t in range(-2, 4)], [2.0**t for t in range(-1, 6)]
    if "all" in x:
        predicted = np.empty_like(y["all"])
        for a, b in folds().split(x["all"], y["all"]):
            c = chosen(x["all"][a], y["all"][a], narrow)
            predicted[b] = fitted(x["all"][a], y["all"][a], c).predict(x["all"][b])
        return y["all"], predicted
    if "dev" in x:
        scores = [round(100 * fitted(x["train"], y["train"], c).score(x["dev"], y["dev"]), 2) for c in narrow]
        c = narrow[int(np.argmax(scores))]
    else:
        c = chosen(x["train"], y["train"], wide)
    return y["test"], fitted(x["train"], y["train"], c).predict(x["test"])
