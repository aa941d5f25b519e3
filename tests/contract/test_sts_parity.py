"""all-MiniLM-L6-v2 through the evaluator against a direct computation: own parsing, own cosine, scipy.

Encoding takes nearly all the time, so the direct side takes the vectors of sentences that were encoded already; for the
tasks in AFRESH it encodes every pair again, as it comes.
"""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from syncse_local.evaluation.run import EvaluationResult, evaluate
from syncse_local.evaluation.tasks import TASKS

Pairs = list[tuple[str, str, float]]


class Silent:
    """A reporter for a stage nobody watches."""

    def progress(self, done: int, total: int, **data: object) -> None: ...
    def event(self, kind: str, **data: object) -> None: ...
    def metric(self, name: str, step: int, value: float) -> None: ...
    def cancelled(self) -> bool:
        return False


@pytest.fixture(scope="module")
def senteval(data_dir: Path) -> Path:
    root = data_dir / "senteval"
    if not root.is_dir():
        pytest.skip(f"no SentEval directory at {root}")
    return root


class Memory:
    """Encodes with the model and remembers each sentence's vector."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.vectors: dict[str, NDArray[Any]] = {}

    def __call__(self, sentences: Sequence[str]) -> NDArray[Any]:
        encoded: NDArray[Any] = self.model.encode(list(sentences))
        self.vectors.update(zip(sentences, encoded, strict=True))
        return encoded

    def recall(self, sentences: Sequence[str]) -> NDArray[Any]:
        """The vectors of sentences; one whose exact text the evaluator did not ask for is encoded now."""
        return np.stack([self.vectors[s] if s in self.vectors else self([s])[0] for s in sentences])


@pytest.fixture(scope="module")
def memory(minilm: Any) -> Memory:
    return Memory(minilm)


@pytest.fixture(scope="module")
def ours(memory: Memory, senteval: Path) -> EvaluationResult:
    return evaluate(memory, [t.name for t in TASKS.values() if t.family == "sts"], senteval, Silent())


def _csv(path: Path, header: bool) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return rows[1:] if header else rows


def _direct_year(directory: Path) -> Pairs:
    # Every input file with a gold file, found by listing the directory rather than from a table of subsets.
    pairs: Pairs = []
    for inputs in sorted(directory.glob("STS.input.*.txt")):
        gold = inputs.with_name(inputs.name.replace("input", "gs"))
        if "ALL" in inputs.name or not gold.exists():
            continue
        scores = gold.read_text(encoding="utf-8").split("\n")
        pairs += [(row[0], row[1], float(g)) for row, g in zip(_csv(inputs, False), scores, strict=False) if g.strip()]
    return pairs


def _direct_stsb(path: Path) -> Pairs:
    return [(row[5], row[6], float(row[4])) for row in _csv(path, False)]


def _direct_sick(path: Path) -> Pairs:
    return [(row[1], row[2], float(row[3])) for row in _csv(path, True)]


DIRECT: dict[str, tuple[Callable[[Path], Pairs], str]] = {
    **{f"STS{year}": (_direct_year, f"STS/STS{year}-en-test") for year in range(12, 17)},
    "STSB": (_direct_stsb, "STS/STSBenchmark/sts-test.csv"),
    "STSB-dev": (_direct_stsb, "STS/STSBenchmark/sts-dev.csv"),
    "SICKR": (_direct_sick, "SICK/SICK_test_annotated.txt"),
    "SICKR-dev": (_direct_sick, "SICK/SICK_trial.txt"),
}
AFRESH = {"STS13", "SICKR-dev"}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(DIRECT))
def test_equal_to_a_direct_computation(
    name: str, ours: EvaluationResult, memory: Memory, minilm: Any, senteval: Path
) -> None:
    read, path = DIRECT[name]
    files = senteval / "downstream" / path
    score = next((score for score in ours.scores if score.task == name), None)
    if not files.exists():
        assert score is None
        assert [absent.task for absent in ours.missing].count(name) == 1
        return
    assert score is not None
    pairs = read(files)
    encode = minilm.encode if name in AFRESH else memory.recall
    first, second = encode([a for a, _, _ in pairs]), encode([b for _, b, _ in pairs])
    cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    gold = [g for _, _, g in pairs]
    assert score.items == len(pairs)
    assert score.metrics["spearman"] == pytest.approx(stats.spearmanr(gold, cosines).statistic, abs=1e-4)
    assert score.metrics["pearson"] == pytest.approx(stats.pearsonr(gold, cosines).statistic, abs=1e-4)


@pytest.mark.slow
def test_every_readable_task_has_the_official_count(ours: EvaluationResult) -> None:
    assert ours.scores
    for score in ours.scores:
        assert (score.items, score.notes) == (TASKS[score.task].official_count, ())


class Letters:
    """An encoder that needs no model, with the face that sentence-transformers and MTEB look at."""

    similarity_fn_name = "cosine"

    def encode(self, sentences: Sequence[str], **options: Any) -> NDArray[Any]:
        return np.array([[s.count(c) for c in " abcdefghijklmnopqrstuvwxyz"] for s in sentences], dtype=np.float32)


def test_mtebs_own_task_code_gives_the_same_from_the_same_copy(tmp_path: Path) -> None:
    pytest.importorskip("mteb", reason="mteb is not installed; the `parity` extra brings it")
    import reference_scores

    random = np.random.default_rng(4)
    words = np.array("cat dog rain train red car green run guitar man boat sun moon tall paper".split())
    rows = [
        {"sentence1": " ".join(random.choice(words, 5)), "sentence2": " ".join(random.choice(words, 5)), "score": score}
        for score in random.integers(0, 6, 80).tolist()
    ]
    (tmp_path / "sts12-sts").mkdir()
    (tmp_path / "sts12-sts" / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    theirs = reference_scores.mteb_scores("STS12", tmp_path / "sts12-sts", Letters())
    score = evaluate(Letters().encode, ["STS12"], tmp_path, Silent()).scores[0]
    assert score.metrics["spearman"] == pytest.approx(theirs["cosine_spearman"], abs=1e-4)
    assert score.metrics["pearson"] == pytest.approx(theirs["cosine_pearson"], abs=1e-4)


def test_mean_and_wmean_are_scipys_over_the_subsets(tmp_path: Path) -> None:
    folder = tmp_path / "STS" / "STS13-en-test"
    folder.mkdir(parents=True)
    random, letters = np.random.default_rng(5), Letters()
    values, sizes = [], []
    for subset, size in zip(TASKS["STS13"].subsets, (10, 30, 60), strict=True):
        sides = [["".join(random.choice(list("abcde "), 9)) + "x" for _ in range(size)] for _ in range(2)]
        gold = random.integers(0, 6, size)
        (folder / f"STS.input.{subset}.txt").write_text("".join(f"{a}\t{b}\n" for a, b in zip(*sides, strict=True)))
        (folder / f"STS.gs.{subset}.txt").write_text("".join(f"{g}\n" for g in gold))
        first, second = (letters.encode([" ".join(s.split()) for s in side]) for side in sides)
        cosines = (first * second).sum(1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
        values.append(stats.spearmanr(gold, cosines).statistic)
        sizes.append(size)
    metrics = evaluate(letters.encode, ["STS13"], tmp_path, Silent()).scores[0].metrics
    assert metrics["spearman_mean"] == pytest.approx(np.mean(values), abs=1e-9)
    assert metrics["spearman_wmean"] == pytest.approx(np.average(values, weights=sizes), abs=1e-9)
    assert metrics["spearman"] != pytest.approx(metrics["spearman_wmean"], abs=1e-6)
