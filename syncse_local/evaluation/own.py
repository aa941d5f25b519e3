"""Tasks of one's own domain: triplets, scored pairs, and retrieval, from files in the directory that `own` names.

Knows the families' figures; files are read by the ingest that everything else reads them with.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from syncse_local.evaluation import ranking, reranking
from syncse_local.evaluation.base import Missing, Pause, TaskData, TaskScore, Vectors
from syncse_local.evaluation.lines import bad_file, read_lines, sentence_pair
from syncse_local.evaluation.metrics import paired_cosine
from syncse_local.evaluation.rows import Row, column, part_files, read_rows, text
from syncse_local.evaluation.sts import StsData
from syncse_local.evaluation.task import Task
from syncse_local.records import ScoredPair
from syncse_local.text.ingest import open_input

DEPTHS = (1, 10, 100)
"""Ranks at which recall is quoted: the best guess, a page of results, what a reranker gets."""
BLOCK = 256
"""Queries ranked at once: their cosines with a corpus of a million texts take 1 GB."""


@dataclass(slots=True, kw_only=True)
class TripletTask(TaskData):
    """Anchors with a positive and a hard negative."""

    rows: list[tuple[str, str, str]]

    @property
    def items(self) -> int:
        """Triplets."""
        return len(self.rows)

    def sentences(self) -> Iterator[str]:
        """All three texts of each."""
        for row in self.rows:
            yield from row

    def identity(self) -> Iterator[object]:
        """The triplets."""
        yield from map(list, self.rows)

    def score(self, vectors: Vectors, pause: Pause) -> TaskScore:
        """`triplet_accuracy`: share of cos(a, p) > cos(a, n), a tie counting as wrong; `margin`: the mean difference."""
        anchors, positives, negatives = (vectors.of(texts) for texts in zip(*self.rows, strict=True))
        margins = (paired_cosine(anchors, positives) - paired_cosine(anchors, negatives)).tolist()
        right = tuple(float(margin > 0) for margin in margins)
        columns = {"triplet_accuracy": right, "margin": tuple(margins)}
        return self.scored({name: fmean(values) for name, values in columns.items()}, predictions=columns)


def read_triplets(task: Task, path: Path) -> TripletTask | Missing:
    """A file with anchors, positives and hard negatives, in any form that `syncse train --data` reads."""
    if not path.is_file():
        return Missing(task.name, str(path))
    source = open_input(path, unique_by="row", complete=True)
    rows = [(row.sentence, row.positive or "", row.negative or "") for row in source]
    data = TripletTask(name=task.name, rows=rows, files=[path], skipped=source.left_out)
    if not rows:
        raise bad_file(path, None, "holds no complete triplet")
    return data


TEXTS = (("sentence1", "text1", "first", "a"), ("sentence2", "text2", "second", "b"))
SCORES = ("score", "similarity", "label", "gold")
"""The names that the columns of scored pairs may have."""


def read_pairs(task: Task, path: Path) -> StsData | Missing:
    """CSV, TSV, JSONL or Parquet with two texts and a score on any scale; a row without a score is skipped."""
    if not path.is_file():
        return Missing(task.name, str(path))
    data = StsData(name=task.name, subsets={task.name: []}, files=[path])
    rows = _csv(path) if path.suffix == ".csv" else read_rows(path)
    for line, row in rows:
        given = column(path, line, row, *SCORES)
        if given in (None, ""):
            data.skipped += 1
            continue
        try:
            gold = float(given)
        except (TypeError, ValueError):
            gold = math.nan
        if not math.isfinite(gold):
            raise bad_file(path, line, f"the score {str(given)[:40]!r} is not a number")
        sides = [text(path, line, row, *names) for names in TEXTS]
        data.subsets[task.name].append(ScoredPair(*sentence_pair(path, line, sides, 0, 1), gold))
    return data


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    reader = csv.DictReader(read_lines(path))
    yield from ((reader.line_num, dict(row)) for row in reader)


@dataclass(slots=True, kw_only=True)
class RetrievalTask(TaskData):
    """Queries, the corpus in the order in which equal scores rank, and each query's gains by place in the corpus."""

    queries: list[str]
    corpus: list[str]
    gains: list[dict[int, int]]

    @property
    def items(self) -> int:
        """Queries with something to find."""
        return len(self.queries)

    def sentences(self) -> Iterator[str]:
        """Queries and the whole corpus."""
        yield from self.queries
        yield from self.corpus

    def identity(self) -> Iterator[object]:
        """Corpus, queries and judgements."""
        yield self.corpus
        for query, gains in zip(self.queries, self.gains, strict=True):
            yield [query, sorted(gains.items())]

    def score(self, vectors: Vectors, pause: Pause) -> TaskScore:
        """nDCG@10, MRR@10 and recall, each query against the whole corpus, by cosine."""
        corpus = _unit(vectors.of(self.corpus))
        asked = _unit(vectors.of(self.queries))
        found: dict[str, list[float]] = {}
        for start in range(0, len(asked), BLOCK):
            pause()
            near = (asked[start : start + BLOCK] @ corpus.T).astype(np.float32)
            for row, gains in zip(near, self.gains[start : start + BLOCK], strict=True):
                for name, value in _measures(row, gains).items():
                    found.setdefault(name, []).append(value)
        columns = {name: tuple(values) for name, values in found.items()}
        return self.scored({name: fmean(values) for name, values in columns.items()}, predictions=columns)


def _measures(near: Any, gains: dict[int, int]) -> dict[str, float]:
    graded = np.zeros(len(near), np.int64)
    graded[list(gains)] = list(gains.values())
    order = ranking.ranked(graded, near)
    relevant = int((graded > 0).sum())
    recalls = {f"recall@{k}": float((order[:k] > 0).sum()) / relevant for k in DEPTHS}
    return {"ndcg@10": ranking.ndcg_at(10, order, graded), "mrr@10": ranking.reciprocal_rank_at(10, order), **recalls}


def _unit(vectors: Any) -> Any:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths == 0, 1, lengths)


def read_retrieval(task: Task, path: Path) -> RetrievalTask | Missing:
    """BEIR's directory (corpus, queries, qrels); or a file of triplets, each anchor to find its positives among all
    positives and hard negatives."""
    if path.is_dir() and part_files(path / "corpus"):
        return _beir(task, path)
    if not path.is_file():
        return Missing(task.name, f"{path} (a file of triplets, or a directory with corpus, queries and qrels)")
    triplets = read_triplets(task, path)
    assert isinstance(triplets, TripletTask)
    corpus = {
        text: place for place, text in enumerate(dict.fromkeys(text for row in triplets.rows for text in row[1:]))
    }
    wanted: dict[str, dict[int, int]] = {}
    for anchor, positive, _ in triplets.rows:
        wanted.setdefault(anchor, {})[corpus[positive]] = 1
    return RetrievalTask(
        name=task.name, queries=list(wanted), corpus=list(corpus), gains=list(wanted.values()), files=[path]
    )


def _beir(task: Task, path: Path) -> RetrievalTask:
    documents, queries, judged = reranking.read_beir(path)
    ids = sorted(documents, reverse=True)  # trec_eval ranks equal scores by falling id
    place = {key: number for number, key in enumerate(ids)}
    data = RetrievalTask(name=task.name, queries=[], corpus=[documents[key] for key in ids], gains=[])
    for key, query in queries.items():
        gains = {place[each]: gain for each, gain in judged.get(key, {}).items() if gain > 0 and each in place}
        absent = [each for each, gain in judged.get(key, {}).items() if gain > 0 and each not in place]
        if absent:
            raise bad_file(path, None, f"the corpus has no document {absent[0]!r}, judged for query {key!r}")
        if gains:
            data.queries.append(query)
            data.gains.append(gains)
        else:
            data.skipped += 1
    return data
