"""Score an encoder on tasks: read, encode each sentence once, let each task score itself, average. Knows no model, no store."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import Key, Missing, TaskData, TaskScore, Vectors, key
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.tasks import FAMILIES
from syncse_local.modelfiles.prompts import Prompts
from syncse_local.records import Reporter

NO_PROMPTS = Prompts()
Encode = Callable[..., NDArray[Any]]
"""(sentences) to (n, d); called as (sentences, prompt) for a prompt that is not the model's default one."""


@dataclass(frozen=True, slots=True)
class Average:
    """The mean of a family's main metric over `tasks`; `official` only when these are all that the field averages, each
    complete. Print it with `label`."""

    value: float
    tasks: tuple[str, ...]
    official: bool
    label: str


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """Scores in the order the tasks were asked for, the tasks that are missing, and each family's average if it has one."""

    scores: tuple[TaskScore, ...]
    missing: tuple[Missing, ...]
    averages: Mapping[str, Average]
    sentences: int


def evaluate(
    encode: Encode,
    tasks: Sequence[str],
    senteval: Path | None,
    reporter: Reporter,
    *,
    starter: Path | None = None,
    reranking: Path | None = None,
    own: Path | None = None,
    keep_predictions: bool = False,
    prompts: Prompts = NO_PROMPTS,
    similarity: str = "cosine",
) -> EvaluationResult:
    """Score `encode` on the named tasks, each family by its own protocol (see its module).

    STS is scored in the "all" setting of SimCSE (Gao et al. 2021, appendix B), without a regression on top. Every
    distinct sentence of all tasks is encoded once, in one call of `encode` (n sentences -> (n, d) array), and one call more
    for each of the model's own `prompts` that a task's texts go by. `similarity` is the model's own too. Tasks without files
    are named in the result and never averaged over. Raises SyncseError for unknown tasks, faulty files, embeddings of
    a wrong shape or not finite; with ExitCode.NOTHING where no task has files or anything to score; with INTERRUPTED when
    the reporter says that the run is cancelled.
    """

    def pause() -> None:
        if reporter.cancelled():
            raise SyncseError("Stopped", "The evaluation was cancelled.", "Run it again.", code=ExitCode.INTERRUPTED)

    data, missing = read_tasks(tasks, senteval, starter, reranking, own)
    for absent in missing:
        reporter.event("task_missing", task=absent.task, looked_for=absent.looked_for)
    if not data:
        raise _nothing(missing)
    index = sentence_index(data, prompts)
    reporter.event("encoding", sentences=len(index), tasks=len(data))
    pause()
    vectors = Vectors(index, encode_index(encode, index), prompts, similarity)
    scores: list[TaskScore] = []
    for task in data:
        pause()
        score = task.score(vectors, pause)
        scores.append(score if keep_predictions else replace(score, predictions={}))
        reporter.event("scored", task=task.name, items=score.items, metrics=dict(score.metrics))
        reporter.progress(len(scores), len(data), task=task.name)
    if not any(score.items for score in scores):
        raise _nothing_scored(scores)
    averages = {name: found for name in FAMILIES if (found := average(scores, name))}
    return EvaluationResult(tuple(scores), tuple(missing), averages, len(index))


def sentence_index(data: Iterable[TaskData], prompts: Prompts = NO_PROMPTS) -> dict[Key, int]:
    """Every distinct sentence of `data`, or prompt and sentence, and its row in the embeddings."""
    index: dict[Key, int] = {}
    for task in data:
        for names, sentence in task.texts():
            index.setdefault(key(prompts, names, sentence), len(index))
    return index


def encode_index(encode: Encode, index: Mapping[Key, int]) -> NDArray[Any]:
    """Embeddings of the indexed sentences, (n, d), checked; one call of `encode` for each prompt."""
    by_prompt: dict[str | None, list[Key]] = {}
    for each in index:
        by_prompt.setdefault(each[0] if isinstance(each, tuple) else None, []).append(each)
    embeddings = np.zeros((0, 1))
    for prompt, keys in by_prompt.items():
        texts = [each[1] if isinstance(each, tuple) else each for each in keys]
        part = np.asarray(encode(texts) if prompt is None else encode(texts, prompt))
        if part.ndim != 2 or len(part) != len(texts) or (len(embeddings) and part.shape[1] != embeddings.shape[1]):
            raise _encoder(f"{len(texts)} sentences gave an array of shape {part.shape}")
        if not len(embeddings):
            embeddings = part if len(by_prompt) == 1 else np.zeros((len(index), part.shape[1]), part.dtype)
        if part is not embeddings:
            embeddings[[index[each] for each in keys]] = part
    broken = int((~np.isfinite(embeddings).all(axis=1)).sum())
    if broken:
        raise _encoder(f"{broken} of {len(index)} embeddings contain NaN or infinity")
    return embeddings


def average(scores: Sequence[TaskScore], family: str = "sts") -> Average | None:
    """The mean over the tasks that the field averages, or, labelled as such, over those that are there; None under two."""
    wanted, name = FAMILIES[family].averaged, FAMILIES[family].average_name
    values = {score.task: score.value for score in scores if score.task in wanted and score.value is not None}
    if len(values) < 2:
        return None
    incomplete = [score.task for score in scores if score.task in values and not score.complete]
    value = fmean(values.values())
    if len(values) == len(wanted) and not incomplete:
        return Average(value, tuple(values), True, f"average of {name}")
    absent = [task for task in wanted if task not in values]
    label = f"average over the {len(values)} present: {', '.join(values)}"
    remarks = [f"without {', '.join(absent)}"] if absent else []
    if incomplete:
        remarks.append(f"not the official data: {', '.join(incomplete)}")
    return Average(value, tuple(values), False, f"{label} ({'; '.join(remarks)})")


def _nothing(missing: Sequence[Missing]) -> SyncseError:
    looked = "; ".join(f"{absent.task}: {absent.looked_for}" for absent in missing) or "no task was named"
    return SyncseError(
        "Nothing to evaluate",
        f"None of the tasks has its files ({looked}).",
        "Give SentEval's directory (--senteval), the reranking sets (--reranking), or use the bundled task `starter`.",
        code=ExitCode.NOTHING,
    )


def _encoder(detail: str) -> SyncseError:
    return SyncseError("Unusable embeddings", f"{detail}.", "Check the encoder's weights and its pooling settings.")


def _nothing_scored(scores: Sequence[TaskScore]) -> SyncseError:
    reasons = "; ".join(f"{score.task}: {', '.join(score.notes) or 'no items'}" for score in scores)
    return SyncseError(
        "Nothing could be scored",
        f"The tasks' files hold nothing to score ({reasons}).",
        "Look at the files: each needs rows with a gold score, or queries with a positive and a negative.",
        code=ExitCode.NOTHING,
    )
