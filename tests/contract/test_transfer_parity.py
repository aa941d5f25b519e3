"""Transfer accuracies against scikit-learn's classifier, folds and scores, put together as SentEval's validation.py does.

The reference knows our reader and features, nothing of our folds, fits or choices. On research data the sets are cut to a
few hundred sentences, which makes the figures small numbers' and the test a matter of seconds.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold

from syncse_local.evaluation.base import Vectors
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.run import encode_index, sentence_index
from syncse_local.evaluation.transfer import Example, TransferData

POINTS = 0.3  # of a hundred: the most that our figure may differ
TIGHT = {"random_state": 1111, "tol": 1e-6, "max_iter": 2000}  # the default tolerance ends well before the optimum


def folds() -> Any:
    return StratifiedKFold(n_splits=10, shuffle=True, random_state=1111)


def fitted(x: Any, y: Any, c: float) -> Any:
    return LogisticRegression(C=c, **TIGHT).fit(x, y)


def chosen(x: Any, y: Any, grid: list[float]) -> float:
    means = [np.mean([fitted(x[a], y[a], c).score(x[b], y[b]) for a, b in folds().split(x, y)]) for c in grid]
    return grid[int(np.argmax([round(100 * mean, 2) for mean in means]))]


def reference(data: TransferData, vectors: Vectors) -> Any:
    """(gold, predicted) of the scored split."""
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


def compare(data: TransferData, vectors: Vectors) -> None:
    score = data.score(vectors, lambda: None)
    gold, predicted = reference(data, vectors)
    assert score.value is not None
    assert 100 * score.value == pytest.approx(100 * np.mean(gold == predicted), abs=POINTS)
    if data.f1:
        f1 = score.metrics["f1"]
        assert f1 is not None
        assert 100 * f1 == pytest.approx(100 * f1_score(gold, predicted), abs=POINTS)


@pytest.mark.parametrize("splits", [("all",), ("train", "test"), ("train", "dev", "test")])
@pytest.mark.parametrize("classes", [2, 3])
def test_on_overlapping_clouds(splits: tuple[str, ...], classes: int) -> None:
    random = np.random.default_rng(11)
    centres = random.normal(size=(classes, 6))
    data = TransferData(name="clouds", splits={})
    rows = []
    for split in splits:
        labels = random.integers(0, classes, 400)
        data.splits[split] = [Example((f"{split} {n}",), int(label)) for n, label in enumerate(labels)]
        rows.append(centres[labels] + 1.5 * random.normal(size=(400, 6)))
    found = np.concatenate(rows)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    compare(data, Vectors(sentence_index([data]), found.astype(np.float32)))


@pytest.mark.slow
@pytest.mark.parametrize(("task", "every"), [("CR", 9), ("SST2", 60), ("MRPC", 12)])
def test_on_a_part_of_a_published_set(task: str, every: int, data_dir: Path, minilm: Any) -> None:
    found, missing = read_tasks([task], data_dir / "senteval")
    if missing:
        pytest.skip(f"{task} is not at {missing[0].looked_for}")
    (data,) = found
    assert isinstance(data, TransferData)
    data.splits = {split: examples[::every] for split, examples in data.splits.items()}
    index = sentence_index([data])
    compare(data, Vectors(index, encode_index(lambda sentences: minilm.encode(list(sentences)), index)))
