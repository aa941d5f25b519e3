"""What describes an evaluation task, the places it may lie in, and a family of tasks. Knows none by name."""

from dataclasses import dataclass
from typing import Literal

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
class Place:
    """Where a task may lie in another layout: a path like the task's, its reader, and what to say of the figures."""

    path: str
    reader: str
    note: str


@dataclass(frozen=True, slots=True)
class Task:
    """One task.

    `path` is relative to the directory that `source` names: SentEval's `downstream`, the reranking directory, or the
    project. `reader` is `module:function`, imported when the task is first read; the function takes (task, path) and
    returns a `base.TaskData`, or `base.Missing` when the files are not there; then the places `elsewhere` are tried in
    turn. `split` says which rows of a file or directory with several splits are meant. `official_count` counts the scored items of
    the published release; None where it is not known, or where `files` gives the rows of each file instead.
    """

    name: str
    title: str
    path: str
    official_count: int | None
    reader: str
    family: str = "sts"
    source: Literal["senteval", "starter", "reranking", "own"] = "senteval"
    subsets: tuple[str, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    split: Literal["test", "dev"] = "test"
    elsewhere: tuple[Place, ...] = ()
    merge_queries: bool = False
    """Query ids that differ only after the last underscore are one query with several texts (MIND in MTEB v2)."""

    @property
    def english(self) -> bool:
        """Whether the set is a published one; they are all English."""
        return self.official_count is not None or bool(self.files)
