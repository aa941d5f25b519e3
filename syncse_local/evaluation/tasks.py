"""The evaluation tasks: names, where their files lie, official counts. Knows no numpy, no encoder and reads no file."""

from collections.abc import Iterable
from difflib import get_close_matches

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.sts_tasks import STS
from syncse_local.evaluation.task import ROW_FILES, Family, Place, Task

__all__ = ["DEV", "FAMILIES", "ROW_FILES", "SEVEN", "TASKS", "Family", "Place", "Task", "resolve"]

_FAMILIES = "syncse_local.evaluation"


def _starter(name: str, title: str, file: str) -> Task:
    path = f"models/starter-sts/{file}"
    return Task(name, title, path, 336, f"{_FAMILIES}.sts_files:read_starter", source="starter")


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
    *STS,
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
        shown=("spearman", "spearman_mean", "spearman_wmean"),
        protocol="Spearman correlation x 100, SentEval protocol (years: all subsets concatenated; mean and wmean over subsets).",
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
    "triplets": Family(
        unit="triplets",
        shown=("triplet_accuracy", "margin"),
        protocol="x 100: share of triplets with cos(anchor, positive) > cos(anchor, hard negative); the mean difference.",
        averaged=(),
        average_name="triplets of one's own",
    ),
    "pairs": Family(
        unit="pairs",
        shown=("spearman",),
        protocol="Spearman correlation x 100 of cosines with the scores given.",
        averaged=(),
        average_name="pairs of one's own",
    ),
    "retrieval": Family(
        unit="queries",
        shown=("ndcg@10", "mrr@10", "recall@1", "recall@10", "recall@100"),
        protocol="x 100, each query against the whole corpus by cosine; nDCG and MRR as trec_eval computes them.",
        averaged=(),
        average_name="retrieval of one's own",
    ),
}


OWN = {"triplets": "read_triplets", "pairs": "read_pairs", "retrieval": "read_retrieval"}
"""Families whose tasks are files of one's own, with their readers: `triplets:FILE` is a file in the directory `own`."""


def resolve(names: Iterable[str]) -> list[Task]:
    """Tasks for `names`, in that order, each once; letter case is ignored, a family's name stands for its tasks.

    Raises SyncseError for an unknown name, with the nearest known ones.
    """
    by_folded: dict[str, tuple[Task, ...]] = {name.casefold(): (task,) for name, task in TASKS.items()}
    by_folded |= {
        name: tuple(TASKS[task] for task in found.averaged) for name, found in FAMILIES.items() if name not in OWN
    }
    found: dict[str, Task] = {}
    for name in names:
        tasks = (_own(name),) if name.partition(":")[0] in OWN else by_folded.get(name.casefold())
        if tasks is None and name.endswith(ROW_FILES):
            tasks = (_row_file(name),)
        if tasks is None:
            raise _unknown(name)
        found |= {task.name: task for task in tasks}
    return list(found.values())


def family_of(name: str) -> str:
    """The family of a stored score's task; empty where this version knows no such task."""
    try:
        return resolve([name])[0].family
    except SyncseError:
        return ""


def _row_file(name: str) -> Task:
    if "/" in name or "\\" in name:
        raise SyncseError(
            "Not a file name",
            f"{name!r} is a path; a task is a file's name in the reranking directory.",
            "Give the directory with --reranking DIR and the file's name alone.",
            code=ExitCode.USAGE,
        )
    return _reranking(name, "queries of your own", None)


def _own(name: str) -> Task:
    family, _, file = name.partition(":")
    if not file or "/" in file or "\\" in file or file in (".", ".."):
        raise SyncseError(
            "Which file?",
            f"{name!r} does not name a file of the directory --own.",
            f"Write --own DIR --tasks {family}:FILE.",
            code=ExitCode.USAGE,
        )
    reader = f"{_FAMILIES}.own:{OWN[family]}"
    return Task(name, f"{family} of one's own", file, None, reader, family=family, source="own")


def _unknown(name: str) -> SyncseError:
    known = [*TASKS, *(family for family in FAMILIES if family not in OWN)]
    folded = [task.casefold() for task in known]
    near = [task for task in known if task.casefold() in get_close_matches(name.casefold(), folded)]
    guess = f"Did you mean {' or '.join(near)}? " if near else ""
    return SyncseError(
        "Unknown evaluation task",
        f"There is no task {name!r}.",
        f"{guess}Known tasks: {', '.join(known)}.",
        code=ExitCode.USAGE,
    )
