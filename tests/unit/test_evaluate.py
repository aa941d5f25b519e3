"""The evaluator end to end on small files, with a bag-of-characters encoder that needs no model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import TaskScore
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.run import average, evaluate
from syncse_local.evaluation.tasks import SEVEN, TASKS

PAIRS = [("a cat", "a cat sat", 4.0), ("dogs run", "birds fly", 0.5), ("a cat", "cats", 3.0), ("rain", "no rain", 2.0)]


class Recorder:
    """A reporter that keeps what it was told."""

    def __init__(self, cancel: bool = False) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.steps: list[tuple[int, int]] = []
        self.cancel = cancel

    def progress(self, done: int, total: int, **data: object) -> None:
        self.steps.append((done, total))

    def event(self, kind: str, **data: object) -> None:
        self.events.append((kind, data))

    def metric(self, name: str, step: int, value: float) -> None:
        raise AssertionError("evaluation draws no curve")

    def cancelled(self) -> bool:
        return self.cancel


class Letters:
    """Counts of characters; remembers each call's sentences."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def __call__(self, sentences: Sequence[str]) -> NDArray[Any]:
        self.calls.append(list(sentences))
        return np.array([[s.count(c) for c in " abcdefghijklmnopqrstuvwxyz"] for s in sentences], dtype=np.float32)


def write_starter(path: Path, pairs: Sequence[tuple[str, str, float]]) -> Path:
    rows = [f"news\t{gold}\t{first}\t{second}" for first, second, gold in pairs]
    path.write_text("\n".join(["genre\tscore\tsentence1\tsentence2", *rows]), encoding="utf-8")
    return path


def write_year(root: Path, task: str, pairs: Sequence[tuple[str, str, float]]) -> None:
    """Deal `pairs` out over all subsets of a year."""
    directory = root / TASKS[task].path
    directory.mkdir(parents=True)
    for at, subset in enumerate(TASKS[task].subsets):
        part = pairs[at :: len(TASKS[task].subsets)]
        (directory / f"STS.input.{subset}.txt").write_text("\n".join(f"{a}\t{b}" for a, b, _ in part))
        (directory / f"STS.gs.{subset}.txt").write_text("\n".join(str(gold) for _, _, gold in part))


def expected(pairs: Sequence[tuple[str, str, float]]) -> float:
    vectors = Letters()
    cosines = []
    for first, second, _ in pairs:
        a, b = vectors([first, second]).astype(float)
        cosines.append(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))
    return float(stats.spearmanr([gold for *_, gold in pairs], cosines).statistic)


def test_subsets_are_concatenated_into_one_spearman_not_averaged(tmp_path: Path) -> None:
    # Dealt out over three subsets; each is ranked well by itself, on a scale of its own.
    more = [
        *[("a cat", "a cat", 1.0), ("dogs", "dogs run", 3.0), ("rain", "rains", 4.0)],
        *[("a cat", "a bat", 0.8), ("dogs", "frogs run", 2.0), ("rain", "train", 3.7)],
        *[("a cat", "zoo", 0.2), ("dogs", "hill", 1.2), ("rain", "zoo", 3.6)],
    ]
    write_year(tmp_path, "STS13", more)
    score = evaluate(Letters(), ["STS13"], tmp_path, Recorder()).scores[0]
    assert score.value == pytest.approx(expected(more))
    subsets = score.detail["subsets"]
    assert score.items == sum(subset["pairs"] for subset in subsets) == 9
    by_subset = [subset["spearman"] for subset in subsets]
    assert None not in by_subset
    assert score.value != pytest.approx(np.mean([value for value in by_subset if value is not None]), abs=1e-3)


def test_each_sentence_is_encoded_once_over_all_tasks_in_one_call(tmp_path: Path) -> None:
    write_year(tmp_path, "STS13", PAIRS)
    letters = Letters()
    starter = write_starter(tmp_path / "pairs.tsv", PAIRS)
    result = evaluate(letters, ["starter", "STS13"], tmp_path, Recorder(), starter=starter)
    assert len(letters.calls) == 1
    assert sorted(letters.calls[0]) == sorted({s for first, second, _ in PAIRS for s in (first, second)})
    assert result.sentences == 7
    assert [score.task for score in result.scores] == ["starter", "STS13"]


def test_missing_tasks_are_named_in_the_result_and_in_events(tmp_path: Path) -> None:
    recorder = Recorder()
    starter = write_starter(tmp_path / "pairs.tsv", PAIRS)
    result = evaluate(Letters(), ["STS12", "starter"], tmp_path, recorder, starter=starter)
    assert [absent.task for absent in result.missing] == ["STS12"]
    assert ("task_missing", {"task": "STS12", "looked_for": result.missing[0].looked_for}) in recorder.events
    assert result.averages == {}
    assert recorder.steps == [(1, 1)]


def test_predictions_are_kept_on_request_in_the_order_of_the_pairs(tmp_path: Path) -> None:
    starter = write_starter(tmp_path / "pairs.tsv", PAIRS)
    score = evaluate(Letters(), ["starter"], None, Recorder(), starter=starter, keep_predictions=True).scores[0]
    kept = score.predictions["spearman"]
    assert stats.spearmanr([gold for *_, gold in PAIRS], kept).statistic == pytest.approx(expected(PAIRS))
    assert evaluate(Letters(), ["starter"], None, Recorder(), starter=starter).scores[0].predictions == {}


@pytest.mark.parametrize("noise", [0.0, 1e-8])
def test_a_collapsed_encoder_is_undefined_with_a_reason_not_zero(tmp_path: Path, noise: float) -> None:
    def collapsed(sentences: Sequence[str]) -> NDArray[Any]:
        return 1 + noise * np.random.default_rng(0).normal(size=(len(sentences), 8))

    starter = write_starter(tmp_path / "pairs.tsv", PAIRS)
    score = evaluate(collapsed, ["starter"], None, Recorder(), starter=starter).scores[0]
    assert score.value is None
    assert score.metrics["pearson"] is None
    assert any("all predictions are equal" in note for note in score.notes)


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (PAIRS[:1], "at least two scored pairs and there are 1"),
        ([(a, b, 3.0) for a, b, _ in PAIRS], "all gold scores are equal"),
    ],
)
def test_too_few_pairs_or_constant_gold_is_a_named_skip(
    tmp_path: Path, pairs: list[tuple[str, str, float]], reason: str
) -> None:
    starter = write_starter(tmp_path / "pairs.tsv", pairs)
    score = evaluate(Letters(), ["starter"], None, Recorder(), starter=starter).scores[0]
    assert score.value is None
    assert any(reason in note for note in score.notes)


def test_nothing_to_score_is_no_success(tmp_path: Path) -> None:
    starter = write_starter(tmp_path / "pairs.tsv", [])
    with pytest.raises(SyncseError, match="scored pairs and there are 0") as caught:
        evaluate(Letters(), ["starter"], None, Recorder(), starter=starter)
    assert caught.value.code == ExitCode.NOTHING


def test_nothing_to_evaluate_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(SyncseError, match="Nothing to evaluate") as caught:
        evaluate(Letters(), ["STSB"], tmp_path, Recorder())
    assert "sts-test.csv" in caught.value.detail
    assert caught.value.code == ExitCode.NOTHING


def _nan(sentences: Sequence[str]) -> NDArray[Any]:
    vectors = np.ones((len(sentences), 4))
    vectors[0, 2] = np.nan
    return vectors


@pytest.mark.parametrize(
    ("encode", "says"),
    [
        (_nan, "1 of 7 embeddings contain NaN"),
        (lambda sentences: np.ones((len(sentences) - 1, 4)), r"shape \(6, 4\)"),
        (lambda sentences: np.ones(len(sentences)), r"shape \(7,\)"),
    ],
)
def test_unusable_embeddings_are_refused(tmp_path: Path, encode: Any, says: str) -> None:
    starter = write_starter(tmp_path / "pairs.tsv", PAIRS)
    with pytest.raises(SyncseError, match=says):
        evaluate(encode, ["starter"], None, Recorder(), starter=starter)


def test_a_cancelled_run_stops_before_encoding(tmp_path: Path) -> None:
    letters = Letters()
    starter = write_starter(tmp_path / "pairs.tsv", PAIRS)
    with pytest.raises(SyncseError, match="Stopped") as caught:
        evaluate(letters, ["starter"], None, Recorder(cancel=True), starter=starter)
    assert caught.value.code == ExitCode.INTERRUPTED
    assert letters.calls == []


def task_score(task: str, spearman: float | None, complete: bool = True) -> TaskScore:
    return TaskScore(task, {"spearman": spearman}, 10, complete=complete)


def test_the_average_of_the_seven_needs_all_seven() -> None:
    scores = [task_score(name, 0.5 + at / 100) for at, name in enumerate(SEVEN)]
    full = average([*scores, task_score("STSB-dev", 0.0), task_score("starter", 0.0)])
    assert full is not None
    assert full.official
    assert full.value == pytest.approx(0.53)
    part = average(scores[:2])
    assert part is not None
    assert not part.official
    assert part.label.startswith("average over the 2 present: STS12, STS13 (without STS14, STS15")


def test_incomplete_and_undefined_tasks_take_the_official_label_away() -> None:
    scores = [task_score(name, 0.5, complete=name != "STS14") for name in SEVEN]
    short = average(scores)
    assert short is not None
    assert not short.official
    assert "not the official data: STS14" in short.label
    undefined = average([*scores[:6], task_score("SICKR", None)])
    assert undefined is not None
    assert undefined.tasks == SEVEN[:6]
    assert "without SICKR" in undefined.label
    assert average([task_score("STSB", 0.5), task_score("starter", 0.5)]) is None


@pytest.mark.parametrize("name", ["starter", "starter-dev"])
def test_the_bundled_starter_sets_are_read_in_full(name: str) -> None:
    score = evaluate(Letters(), [name], None, Recorder()).scores[0]
    assert score.items >= 300
    assert score.complete
    assert score.skipped == 0


def test_the_starter_sets_share_no_sentence() -> None:
    test, dev = read_tasks(["starter", "starter-dev"], None)[0]
    found = [set(data.sentences()) for data in (test, dev)]
    assert not found[0] & found[1]
