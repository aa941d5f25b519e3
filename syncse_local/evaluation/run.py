"""Score an encoder on STS tasks: read, encode each sentence once, correlate, average. Knows no model and no store."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.metrics import paired_cosine, pearson, spearman
from syncse_local.evaluation.readers import Missing, TaskData, read_tasks
from syncse_local.evaluation.tasks import SEVEN
from syncse_local.records import Reporter, ScoredPair

Encode = Callable[[Sequence[str]], NDArray[Any]]

# Cosines closer than this differ by the rounding of single precision: a collapsed encoder, with ranks that are noise.
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class SubsetScore:
    """Correlations of one subset, -1 to 1; None where they are undefined."""

    name: str
    spearman: float | None
    pearson: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class TaskScore:
    """One task's figures, -1 to 1; None where a correlation is undefined, with the reason in `notes`.

    `complete` is False when subsets are missing or the number of pairs is not the official one: the figure cannot then
    stand beside published ones. `predictions`, where kept, are the cosines in the order of the pairs read.
    """

    task: str
    spearman: float | None
    pearson: float | None
    pairs: int
    skipped: int
    subsets: tuple[SubsetScore, ...]
    notes: tuple[str, ...]
    complete: bool
    predictions: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Average:
    """The mean Spearman over `tasks`; `official` only when these are the seven, all complete. Print it with `label`."""

    value: float
    tasks: tuple[str, ...]
    official: bool
    label: str


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Scores in the order the tasks were asked for, the tasks that are missing, and the average if there is one."""

    scores: tuple[TaskScore, ...]
    missing: tuple[Missing, ...]
    average: Average | None
    sentences: int


def evaluate(
    encode: Encode,
    tasks: Sequence[str],
    senteval: Path | None,
    reporter: Reporter,
    *,
    starter: Path | None = None,
    keep_predictions: bool = False,
) -> EvaluationResult:
    """Score `encode` on the named tasks, as SentEval does in the "all" setting of SimCSE (Gao et al. 2021, appendix B).

    A year's subsets are concatenated and one Spearman is taken over them; STS-B and SICK-R use the cosine on their test
    split, without a regression on top. Every distinct sentence of all tasks is encoded once, in one call of `encode`
    (n sentences -> (n, d) array). Tasks without files are named in the result and never averaged over. Raises
    SyncseError for unknown tasks, faulty files, no task at all, embeddings of a wrong shape or not finite, and, with
    ExitCode.INTERRUPTED, when the reporter says that the run is cancelled.
    """
    data, missing = read_tasks(tasks, senteval, starter)
    for absent in missing:
        reporter.event("task_missing", task=absent.task, looked_for=absent.looked_for)
    if not data:
        raise _nothing(missing)
    index = sentence_index(data)
    reporter.event("encoding", sentences=len(index), pairs=sum(task.pairs for task in data))
    _stop_if_cancelled(reporter)
    embeddings = encode_index(encode, index)
    scores: list[TaskScore] = []
    for task in data:
        _stop_if_cancelled(reporter)
        scores.append(score_task(task, embeddings, index, keep_predictions=keep_predictions))
        reporter.progress(len(scores), len(data), task=task.name)
    return EvaluationResult(tuple(scores), tuple(missing), average(scores), len(index))


def sentence_index(data: Iterable[TaskData]) -> dict[str, int]:
    """Every distinct sentence of `data` and its row in the embeddings."""
    index: dict[str, int] = {}
    for task in data:
        for pair in _pairs(task):
            index.setdefault(pair.first, len(index))
            index.setdefault(pair.second, len(index))
    return index


def encode_index(encode: Encode, index: Mapping[str, int]) -> NDArray[Any]:
    """Embeddings of the indexed sentences, (n, d), checked; one call of `encode`."""
    embeddings = np.asarray(encode(list(index))) if index else np.zeros((0, 1))
    if embeddings.ndim != 2 or embeddings.shape[0] != len(index):
        raise _encoder(f"{len(index)} sentences gave an array of shape {embeddings.shape}")
    broken = int((~np.isfinite(embeddings).all(axis=1)).sum())
    if broken:
        raise _encoder(f"{broken} of {len(index)} embeddings contain NaN or infinity")
    return embeddings


def score_task(
    data: TaskData, embeddings: NDArray[Any], index: Mapping[str, int], *, keep_predictions: bool = False
) -> TaskScore:
    """One task's figures from the embeddings of its sentences."""
    pairs = _pairs(data)
    first = embeddings[[index[pair.first] for pair in pairs]]
    second = embeddings[[index[pair.second] for pair in pairs]]
    predicted = paired_cosine(first, second)
    gold = np.array([pair.gold for pair in pairs])
    notes = list(data.notes)
    rank, linear = _correlate(gold, predicted)
    if rank is None:
        notes.append(f"undefined: {_why_undefined(gold)}")
    subsets: list[SubsetScore] = []
    start = 0
    for name, rows in data.subsets.items():
        part = slice(start, start + len(rows))
        subsets.append(SubsetScore(name, *_correlate(gold[part], predicted[part]), len(rows)))
        start += len(rows)
    kept = tuple(predicted.tolist()) if keep_predictions else None
    return TaskScore(
        data.name, rank, linear, len(pairs), data.skipped, tuple(subsets), tuple(notes), data.complete, kept
    )


def average(scores: Sequence[TaskScore]) -> Average | None:
    """The mean Spearman of the seven STS tasks, or, labelled as such, of those that are there; None under two."""
    values = {score.task: score.spearman for score in scores if score.task in SEVEN and score.spearman is not None}
    if len(values) < 2:
        return None
    incomplete = [score.task for score in scores if score.task in values and not score.complete]
    value = fmean(values.values())
    if len(values) == len(SEVEN) and not incomplete:
        return Average(value, tuple(values), True, "average of the seven STS tasks")
    absent = [name for name in SEVEN if name not in values]
    label = f"average over the {len(values)} present: {', '.join(values)}"
    remarks = [f"without {', '.join(absent)}"] if absent else []
    if incomplete:
        remarks.append(f"not the official pairs: {', '.join(incomplete)}")
    return Average(value, tuple(values), False, f"{label} ({'; '.join(remarks)})")


def _pairs(data: TaskData) -> list[ScoredPair]:
    return [pair for rows in data.subsets.values() for pair in rows]


def _correlate(gold: NDArray[Any], predicted: NDArray[Any]) -> tuple[float | None, float | None]:
    if len(gold) < 2 or np.ptp(predicted) < _ROUNDING:
        return None, None
    return spearman(gold, predicted), pearson(gold, predicted)


def _why_undefined(gold: NDArray[Any]) -> str:
    if len(gold) < 2:
        return f"a correlation needs at least two scored pairs and there are {len(gold)}"
    if np.ptp(gold) == 0:
        return "all gold scores are equal"
    return "all predictions are equal, the encoder gives every sentence pair the same cosine"


def _stop_if_cancelled(reporter: Reporter) -> None:
    if reporter.cancelled():
        raise SyncseError("Stopped", "The evaluation was cancelled.", "Run it again.", code=ExitCode.INTERRUPTED)


def _nothing(missing: Sequence[Missing]) -> SyncseError:
    looked = "; ".join(f"{absent.task}: {absent.looked_for}" for absent in missing) or "no task was named"
    return SyncseError(
        "Nothing to evaluate",
        f"None of the tasks has its files ({looked}).",
        "Give SentEval's directory, or use the bundled task `starter`.",
        code=ExitCode.NOTHING,
    )


def _encoder(detail: str) -> SyncseError:
    return SyncseError("Unusable embeddings", f"{detail}.", "Check the encoder's weights and its pooling settings.")
