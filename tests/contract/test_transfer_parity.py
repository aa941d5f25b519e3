"""Transfer accuracies against SentEval's protocol put together from scikit-learn (scripts/senteval_sklearn.py).

On research data the sets are cut to a few hundred sentences, which makes the figures small numbers' and the test a
matter of seconds.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from senteval_sklearn import predictions
from sklearn.metrics import f1_score

from syncse_local.evaluation.base import Vectors
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.run import encode_index, sentence_index
from syncse_local.evaluation.transfer import Example, TransferData

POINTS = 0.3  # of a hundred: the most that our figure may differ


def compare(data: TransferData, vectors: Vectors) -> None:
    score = data.score(vectors, lambda: None)
    gold, predicted = predictions(data, vectors)
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
