"""Reranking: queries with their candidates from MTEB's files on disk, and how well cosines rank them.

v1 is a row a query (query, positive, negative), a query of several texts counting by its best; v2 is a directory with
corpus, queries, qrels and top_ranked. MTEB's modules that this must equal: v1's RerankingEvaluator, v2's retrieval_metrics.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from syncse_local.evaluation import ranking
from syncse_local.evaluation.base import Missing, Names, Pause, TaskData, TaskScore, Vectors
from syncse_local.evaluation.lines import bad_file
from syncse_local.evaluation.metrics import Floats, similarity
from syncse_local.evaluation.rows import Row, column, part_files, read_rows, text, texts
from syncse_local.evaluation.tasks import FAMILIES, ROW_FILES, Task

GAIN_LIMIT = 1000
"""Judgements are grades of a few steps; a larger number is a column that was taken for another."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query and its candidates, which are listed in the order that equal scores are ranked in.

    `gains` above 0 are relevant; `unlisted` are the gains of relevant documents that are no candidates.
    """

    texts: tuple[str, ...]
    documents: tuple[str, ...]
    gains: tuple[int, ...]
    unlisted: tuple[int, ...] = ()


@dataclass(slots=True, kw_only=True)
class RerankingData(TaskData):
    """The queries that have both relevant and other candidates; the rest are counted in `skipped`."""

    queries: list[Query]

    @property
    def items(self) -> int:
        """Scored queries."""
        return len(self.queries)

    def sentences(self) -> Iterator[str]:
        """Queries and candidates."""
        for query in self.queries:
            yield from query.texts
            yield from query.documents

    def texts(self) -> Iterator[tuple[Names, str]]:
        """Queries by what a model may call them, and candidates."""
        asked, listed = called(self.name, "query"), called(self.name, "document")
        for query in self.queries:
            yield from ((asked, text) for text in query.texts)
            yield from ((listed, text) for text in query.documents)

    def identity(self) -> Iterator[object]:
        """Queries, candidates and judgements."""
        for query in self.queries:
            yield [query.texts, query.documents, query.gains, query.unlisted]

    def score(self, vectors: Vectors, pause: Pause) -> TaskScore:
        """Each measure as the mean over the queries, with its value for every query."""
        if not self.queries:
            self.notes.append("undefined: no query has both a positive and a negative")
            return self.scored(dict.fromkeys(FAMILIES["reranking"].shown))
        own = vectors.similarity
        if own != "cosine":
            self.notes.append(f"{', '.join(_V2)} rank by the model's own similarity, {own}; map by the cosine")
        each = [self._measured(query, vectors) for query in self.queries]
        by_metric = {name: tuple(found[name] for found in each) for name in each[0]}
        return self.scored({name: fmean(values) for name, values in by_metric.items()}, predictions=by_metric)

    def _measured(self, query: Query, vectors: Vectors) -> dict[str, float]:
        cosines = similarities(vectors, query, self.name)
        if vectors.similarity == "cosine":
            return measures(query, cosines)
        return measures(query, cosines, similarities(vectors, query, self.name, vectors.similarity))


_V2 = ("map@1000", "mrr@10", "ndcg@10")


def called(task: str, role: str) -> Names:
    """The names under which MTEB v2 looks for a prompt of queries or documents, before it goes without."""
    return (f"{task}-{role}", task, f"Reranking-{role}", "Reranking", role)


def measures(query: Query, cosines: Floats, own: Floats | None = None) -> dict[str, float]:
    """The four measures of one query, from its candidates' cosines and their nearness as the model has it (None: the same)."""
    scores = cosines if own is None else own
    gains = np.array(query.gains)
    ideal = np.append(gains, query.unlisted).astype(np.int64)
    order = ranking.ranked(gains, scores)[:1000]
    return {
        "map": ranking.average_precision(gains, cosines),
        "map@1000": ranking.average_precision_at(1000, order, int((ideal > 0).sum())),
        "mrr@10": ranking.reciprocal_rank_at(10, order),
        "ndcg@10": ranking.ndcg_at(10, order, ideal),
    }


def similarities(vectors: Vectors, query: Query, task: str, kind: str = "cosine") -> Floats:
    """Each candidate's nearness to the nearest of the query's texts, in single precision, as the references rank them.

    A text that is a candidate twice is computed once: the two must tie, which a matrix product does not promise.
    """
    rows, back = np.unique(vectors.rows(query.documents, called(task, "document")), return_inverse=True)
    near = similarity(kind, vectors.embeddings[rows], vectors.of(query.texts, called(task, "query")))
    found: Floats = near.max(axis=1).astype(np.float32)[back]
    return found


def read_reranking(task: Task, path: Path) -> RerankingData | Missing:
    """Read whichever layout is there: the file itself, `path` with an ending, or the directory `path` in v1 or v2."""
    if path.is_file():
        return _sift(task, _read_v1([path]))
    if part_files(path / "corpus"):
        data = _sift(task, _read_v2(path, _merged if task.merge_queries else str))
        if not part_files(path / "top_ranked"):
            data.notes.append("without top_ranked: each query's judged documents are its candidates")
        return data
    if files := part_files(path) or part_files(path / "data"):
        return _sift(task, _read_v1(files))
    endings = "" if path.name.endswith(ROW_FILES) else f" (as {', '.join(ROW_FILES)}, or a directory)"
    return Missing(task.name, f"{path}{endings}")


def _sift(task: Task, queries: Iterator[Query]) -> RerankingData:
    data = RerankingData(name=task.name, queries=[])
    without = {"positives": 0, "negatives": 0}
    for query in queries:
        if not query.unlisted and max(query.gains, default=0) <= 0:
            without["positives"] += 1
        elif min(query.gains, default=1) > 0:
            without["negatives"] += 1
        else:
            data.queries.append(query)
    data.skipped = sum(without.values())
    data.notes += [f"{count} queries without {what} were skipped" for what, count in without.items() if count]
    return data


def _read_v1(files: list[Path]) -> Iterator[Query]:
    for path, line, row in _rows(files):
        asked = tuple(texts(path, line, row, "query"))
        positive, negative = (texts(path, line, row, name) for name in ("positive", "negative"))
        if not asked or not all(query.strip() for query in asked):
            raise bad_file(path, line, "the query is empty")
        # MTEB v2 names these documents apositive_..., negative_... with their number; equal scores rank by falling name.
        documents = (*reversed(negative), *reversed(positive))
        yield Query(asked, documents, (0,) * len(negative) + (1,) * len(positive))


def read_beir(path: Path) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, int]]]:
    """Documents and queries by id, and each query's gains by document, of a directory in BEIR's layout."""
    queries = _documents(_part(path, "queries", "query"))
    return _documents(_part(path, "corpus")), queries, _gains(_part(path, "qrels", "data"), str)


def _merged(key: str) -> str:
    return key.rpartition("_")[0]


def _read_v2(path: Path, whole: Callable[[str], str]) -> Iterator[Query]:
    """`whole` names the query that a query id is a part of; its parts have the same judgements and candidates."""
    corpus = _documents(_part(path, "corpus"))
    asked: dict[str, list[str]] = {}
    for key, body in _documents(_part(path, "queries", "query")).items():
        asked.setdefault(whole(key), []).append(body)
    gains = _gains(_part(path, "qrels", "data"), whole)
    listed = _listed(part_files(path / "top_ranked"), whole)
    for key, bodies in asked.items():
        judged = gains.get(key, {})
        candidates = set(listed.get(key, ()) if listed else judged)
        if absent := candidates - corpus.keys():
            raise bad_file(path, None, f"the corpus has no document {min(absent)!r}, a candidate of query {key!r}")
        ordered = sorted(candidates, reverse=True)  # trec_eval ranks equal scores by falling id
        yield Query(
            tuple(bodies),
            tuple(corpus[document] for document in ordered),
            tuple(judged.get(document, 0) for document in ordered),
            tuple(gain for document, gain in judged.items() if gain > 0 and document not in candidates),
        )


def _part(path: Path, *names: str) -> list[Path]:
    for name in names:
        if files := part_files(path / name):
            return files
    raise bad_file(path, None, f"has a corpus but no {names[0]}")


def _rows(files: list[Path]) -> Iterator[tuple[Path, int, Row]]:
    for path in files:
        for line, row in read_rows(path):
            yield path, line, row


def _documents(files: list[Path]) -> dict[str, str]:
    found = {}
    for path, line, row in _rows(files):
        title = row.get("title") or ""
        found[text(path, line, row, "id", "_id")] = f"{title} {text(path, line, row, 'text')}".strip()
    return found


def _gains(files: list[Path], whole: Callable[[str], str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for path, line, row in _rows(files):
        query, document = text(path, line, row, "query-id"), text(path, line, row, "corpus-id")
        found.setdefault(whole(query), {})[document] = _gain(path, line, column(path, line, row, "score"))
    return found


def _gain(path: Path, line: int, value: Any) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not number.is_integer() or abs(number) > GAIN_LIMIT:
        raise bad_file(path, line, f"the score {str(value)[:40]!r} is not a whole number up to {GAIN_LIMIT}")
    return int(number)


def _listed(files: list[Path], whole: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, line, row in _rows(files):
        found.setdefault(whole(text(path, line, row, "query-id")), texts(path, line, row, "corpus-ids"))
    return found
