"""The evaluation tasks: names, where their files lie, official counts. Knows no numpy, no encoder and reads no file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from syncse_local.errors import ExitCode, SyncseError

_READERS = "syncse_local.evaluation.readers"


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    `path` is relative to SentEval's `downstream` directory, or to the project where `source` is `starter`.
    `reader` is `module:function`, imported when the task is first read; the function takes (task, path) and returns
    `readers.TaskData`, or `readers.Missing` when the files are not there. `official_pairs` counts the scored pairs of
    the published release.
    """

    name: str
    title: str
    path: str
    official_pairs: int
    reader: str
    subsets: tuple[str, ...] = ()
    source: Literal["senteval", "starter"] = "senteval"


def _year(year: int, official_pairs: int, *subsets: str) -> Task:
    return Task(
        name=f"STS{year}",
        title=f"SemEval STS 20{year}, all subsets concatenated",
        path=f"STS/STS{year}-en-test",
        official_pairs=official_pairs,
        reader=f"{_READERS}:read_sts_year",
        subsets=subsets,
    )


def _file(name: str, title: str, path: str, official_pairs: int, reader: str) -> Task:
    return Task(name, title, path, official_pairs, f"{_READERS}:{reader}")


_ALL = (
    _year(12, 3108, "MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"),
    # The SMT subset of 2013 may not be redistributed; SentEval and every figure quoted from it do without.
    _year(13, 1500, "FNWN", "OnWN", "headlines"),
    _year(14, 3750, "OnWN", "deft-forum", "deft-news", "headlines", "images", "tweet-news"),
    _year(15, 3000, "answers-forums", "answers-students", "belief", "headlines", "images"),
    _year(16, 1186, "answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
    _file("STSB", "STS benchmark, test", "STS/STSBenchmark/sts-test.csv", 1379, "read_stsb"),
    _file("SICKR", "SICK relatedness, test", "SICK/SICK_test_annotated.txt", 4927, "read_sick"),
    _file("STSB-dev", "STS benchmark, dev", "STS/STSBenchmark/sts-dev.csv", 1500, "read_stsb"),
    _file("SICKR-dev", "SICK relatedness, trial", "SICK/SICK_trial.txt", 500, "read_sick"),
    Task(
        "starter",
        "bundled starter set: a smoke test, never a benchmark",
        "models/starter-sts/pairs.tsv",
        336,
        f"{_READERS}:read_starter",
        source="starter",
    ),
    Task(
        "starter-dev",
        "the starter set's other half, for choosing a checkpoint",
        "models/starter-sts/dev.tsv",
        336,
        f"{_READERS}:read_starter",
        source="starter",
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in _ALL}

SEVEN = ("STS12", "STS13", "STS14", "STS15", "STS16", "STSB", "SICKR")
"""The tasks whose mean Spearman the field quotes as "STS average" (SimCSE, SynCSE)."""

DEV = ("STSB-dev", "SICKR-dev", "starter-dev")
"""Splits for choosing a checkpoint; they never enter the average of the seven."""


def resolve(names: Iterable[str]) -> list[Task]:
    """Tasks for `names`, in that order, each once; letter case is ignored.

    Raises SyncseError for an unknown name, with the nearest known ones.
    """
    by_folded = {name.casefold(): task for name, task in TASKS.items()}
    found: dict[str, Task] = {}
    for name in names:
        task = by_folded.get(name.casefold())
        if task is None:
            raise _unknown(name, list(by_folded))
        found[task.name] = task
    return list(found.values())


def _unknown(name: str, folded: Sequence[str]) -> SyncseError:
    near = [task for task in TASKS if task.casefold() in get_close_matches(name.casefold(), folded)]
    guess = f"Did you mean {' or '.join(near)}? " if near else ""
    return SyncseError(
        "Unknown evaluation task",
        f"There is no task {name!r}.",
        f"{guess}Known tasks: {', '.join(TASKS)}.",
        code=ExitCode.USAGE,
    )
