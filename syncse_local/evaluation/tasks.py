"""The evaluation tasks: names, where their files lie, official counts. Knows no numpy, no encoder and reads no file."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from syncse_local.errors import ExitCode, SyncseError

_FAMILIES = "syncse_local.evaluation"
ROW_FILES = (".jsonl", ".jsonl.gz", ".parquet")
"""A task name with one of these endings is a file of that name in the reranking directory."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of task: what it counts, the metrics of its table (the main one first), and what its average is over."""

    unit: str
    shown: tuple[str, ...]
    protocol: str
    averaged: tuple[str, ...]
    """The tasks whose mean of the main metric the field quotes; also what the family's name stands for in a list."""
    average_name: str


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    `path` is relative to the directory that `source` names: SentEval's `downstream`, the reranking directory, or the
    project. `reader` is `module:function`, imported when the task is first read; the function takes (task, path) and
    returns a `base.TaskData`, or `base.Missing` when the files are not there. `official_count` counts the scored items of
    the published release; None where it is not known, or where `files` gives the rows of each file instead.
    """

    name: str
    title: str
    path: str
    official_count: int | None
    reader: str
    family: str = "sts"
    source: Literal["senteval", "starter", "reranking"] = "senteval"
    subsets: tuple[str, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    merge_queries: bool = False
    """Query ids that differ only after the last underscore are one query with several texts (MIND in MTEB v2)."""

    @property
    def unit(self) -> str:
        """What is counted."""
        return FAMILIES[self.family].unit


def _year(year: int, official_count: int, *subsets: str) -> Task:
    return Task(
        name=f"STS{year}",
        title=f"SemEval STS 20{year}, all subsets concatenated",
        path=f"STS/STS{year}-en-test",
        official_count=official_count,
        reader=f"{_FAMILIES}.sts:read_sts_year",
        subsets=subsets,
    )


def _file(name: str, title: str, path: str, official_count: int, reader: str) -> Task:
    return Task(name, title, path, official_count, f"{_FAMILIES}.sts:{reader}")


def _starter(name: str, title: str, file: str) -> Task:
    path = f"models/starter-sts/{file}"
    return Task(name, title, path, 336, f"{_FAMILIES}.sts:read_starter", source="starter")


def _reranking(name: str, title: str, official_count: int | None, path: str = "", merge_queries: bool = False) -> Task:
    return Task(
        name=name,
        title=title,
        path=path or name,
        official_count=official_count,
        reader=f"{_FAMILIES}.reranking:read_reranking",
        family="reranking",
        source="reranking",
        merge_queries=merge_queries,
    )


def _transfer(name: str, title: str, path: str, reader: str, *files: tuple[str, int]) -> Task:
    return Task(name, title, path, None, f"{_FAMILIES}.transfer:{reader}", family="transfer", files=files)


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
    _starter("starter", "bundled starter set: a smoke test, never a benchmark", "pairs.tsv"),
    _starter("starter-dev", "the starter set's other half, for choosing a checkpoint", "dev.tsv"),
    _reranking("AskUbuntuDupQuestions", "Ask Ubuntu: questions like this one", 361),
    _reranking("MindSmallReranking", "MIND small: news by what was read before", None, merge_queries=True),
    _reranking("SciDocsRR", "SciDocs: titles of related papers", 3978),
    _reranking("StackOverflowDupQuestions", "Stack Overflow: questions like this one", 2992),
    # The order of files is that of the readers: for the binary tasks the class 1 first.
    _transfer("MR", "film reviews", "MR", "read_binary", ("rt-polarity.pos", 5331), ("rt-polarity.neg", 5331)),
    _transfer("CR", "product reviews", "CR", "read_binary", ("custrev.pos", 2407), ("custrev.neg", 1368)),
    _transfer("SUBJ", "subjectivity", "SUBJ", "read_binary", ("subj.objective", 5000), ("subj.subjective", 5000)),
    _transfer("MPQA", "opinion polarity", "MPQA", "read_binary", ("mpqa.pos", 3312), ("mpqa.neg", 7294)),
    _transfer(
        "SST2",
        "Stanford Sentiment Treebank, two classes",
        "SST/binary",
        "read_sst",
        ("sentiment-train", 67349),
        ("sentiment-dev", 872),
        ("sentiment-test", 1821),
    ),
    _transfer("TREC", "question types", "TREC", "read_trec", ("train_5500.label", 5452), ("TREC_10.label", 500)),
    _transfer(
        "MRPC",
        "paraphrases",
        "MRPC",
        "read_mrpc",
        ("msr_paraphrase_train.txt", 4076),
        ("msr_paraphrase_test.txt", 1725),
    ),
)

TASKS: dict[str, Task] = {task.name: task for task in _ALL}

SEVEN = ("STS12", "STS13", "STS14", "STS15", "STS16", "STSB", "SICKR")
"""The tasks whose mean Spearman the field quotes as "STS average" (SimCSE, SynCSE)."""

DEV = ("STSB-dev", "SICKR-dev", "starter-dev")
"""Splits for choosing a checkpoint; they never enter the average of the seven."""

FAMILIES = {
    "sts": Family(
        unit="pairs",
        shown=("spearman",),
        protocol="Spearman correlation x 100, SentEval protocol (years: all subsets concatenated).",
        averaged=SEVEN,
        average_name="the seven STS tasks",
    ),
    "reranking": Family(
        unit="queries",
        shown=("map", "map@1000", "mrr@10", "ndcg@10"),
        protocol="x 100: map as MTEB v1 computes it; map@1000, mrr@10 and ndcg@10 as MTEB v2.",
        averaged=tuple(task.name for task in _ALL if task.family == "reranking"),
        average_name="the four reranking tasks",
    ),
    "transfer": Family(
        unit="sentences",
        shown=("accuracy", "f1"),
        protocol="x 100: logistic regression on fixed embeddings, SentEval's folds and grid (seed 1111).",
        averaged=tuple(task.name for task in _ALL if task.family == "transfer"),
        average_name="the seven transfer tasks",
    ),
}


def resolve(names: Iterable[str]) -> list[Task]:
    """Tasks for `names`, in that order, each once; letter case is ignored, a family's name stands for its tasks.

    Raises SyncseError for an unknown name, with the nearest known ones.
    """
    by_folded: dict[str, tuple[Task, ...]] = {name.casefold(): (task,) for name, task in TASKS.items()}
    by_folded |= {name: tuple(TASKS[task] for task in family.averaged) for name, family in FAMILIES.items()}
    found: dict[str, Task] = {}
    for name in names:
        tasks = by_folded.get(name.casefold())
        if tasks is None and name.endswith(ROW_FILES):
            tasks = (_row_file(name),)
        if tasks is None:
            raise _unknown(name)
        found |= {task.name: task for task in tasks}
    return list(found.values())


def _row_file(name: str) -> Task:
    if "/" in name or "\\" in name:
        raise SyncseError(
            "Not a file name",
            f"{name!r} is a path; a task is a file's name in the reranking directory.",
            "Give the directory with --reranking DIR and the file's name alone.",
            code=ExitCode.USAGE,
        )
    return _reranking(name, "queries of your own", None)


def _unknown(name: str) -> SyncseError:
    known = [*TASKS, *FAMILIES]
    folded = [task.casefold() for task in known]
    near = [task for task in known if task.casefold() in get_close_matches(name.casefold(), folded)]
    guess = f"Did you mean {' or '.join(near)}? " if near else ""
    return SyncseError(
        "Unknown evaluation task",
        f"There is no task {name!r}.",
        f"{guess}Known tasks: {', '.join(known)}.",
        code=ExitCode.USAGE,
    )
