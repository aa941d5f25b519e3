"""Reranking sets in every layout that MTEB has on disk, and as they come broken; scores on vectors that are known."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import Missing, Vectors
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.reranking import Query, RerankingData
from syncse_local.evaluation.tasks import resolve

Rows = list[dict[str, Any]]
NAME = "SciDocsRR"
V1: Rows = [
    {"query": "cats", "positive": ["a cat", "two cats"], "negative": ["a dog"]},
    {"query": ["rain", "wet"], "positive": "it rains", "negative": ["sun", "snow"], "more": 1},
]
V1_QUERIES = [
    Query(("cats",), ("a dog", "two cats", "a cat"), (0, 1, 1)),
    Query(("rain", "wet"), ("snow", "sun", "it rains"), (0, 0, 1)),
]
V2: dict[str, Rows] = {
    "corpus": [
        {"_id": "d1", "title": "", "text": "a cat "},
        {"_id": "d2", "title": "Two", "text": "cats"},
        {"_id": "d3", "title": None, "text": "a dog"},
        {"_id": "d4", "text": "elsewhere"},
    ],
    "queries": [{"_id": "q1", "text": "cats"}, {"_id": "q2", "text": "never judged"}],
    "qrels": [
        {"query-id": "q1", "corpus-id": "d1", "score": 1},
        {"query-id": "q1", "corpus-id": "d2", "score": 2},
        {"query-id": "q1", "corpus-id": "d3", "score": 0},
        {"query-id": "q1", "corpus-id": "d4", "score": 1},
    ],
    "top_ranked": [{"query-id": "q1", "corpus-ids": ["d1", "d3", "d2"]}, {"query-id": "q2", "corpus-ids": ["d1"]}],
}


def lines(rows: Rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def write(base: Path, rows: Rows, ending: str) -> None:
    """The rows as the file `base` with an ending."""
    base.parent.mkdir(parents=True, exist_ok=True)
    path = base.with_name(base.name + ending)
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif ending == ".tsv":
        table = ["\t".join(rows[0]), *("\t".join(map(str, row.values())) for row in rows)]
        path.write_text("\n".join(table), encoding="utf-8")
    else:
        content = lines(rows).encode()
        path.write_bytes(gzip.compress(content) if ending == ".jsonl.gz" else content)


def read(root: Path, name: str = NAME) -> RerankingData:
    (data,), missing = read_tasks([name], None, reranking=root)
    assert missing == []
    assert isinstance(data, RerankingData)
    return data


@pytest.mark.parametrize("base", [NAME, f"{NAME}/test", f"{NAME}/only", f"{NAME}/data/test-00000-of-00001"])
@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz"])
def test_v1_as_a_file_or_in_a_directory(tmp_path: Path, base: str, ending: str) -> None:
    write(tmp_path / base, V1, ending)
    assert read(tmp_path).queries == V1_QUERIES


def test_v1_as_parquet_in_shards_and_the_test_split_before_others(tmp_path: Path) -> None:
    rows = [
        {"query": ["cats"], "positive": ["a cat", "two cats"], "negative": ["a dog"]},
        {**V1[1], "positive": ["it rains"]},
    ]
    write(tmp_path / NAME / "test-00000-of-00002", rows[:1], ".parquet")
    write(tmp_path / NAME / "test-00001-of-00002", rows[1:], ".parquet")
    write(tmp_path / NAME / "validation-00000-of-00001", rows, ".parquet")
    assert read(tmp_path).queries == V1_QUERIES


@pytest.mark.parametrize(
    "layout",
    [
        {
            "corpus": "corpus.jsonl",
            "queries": "queries.jsonl",
            "qrels": "qrels/test.tsv",
            "top_ranked": "top_ranked/test.jsonl",
        },
        {part: f"{part}/test-00000-of-00001.parquet" for part in V2},
        {**{part: f"{part}.jsonl.gz" for part in V2}, "qrels": "data/test.jsonl"},
    ],
)
def test_v2_in_each_layout(tmp_path: Path, layout: dict[str, str]) -> None:
    for part, file in layout.items():
        stem, dot, ending = file.partition(".")
        write(tmp_path / NAME / stem, V2[part], dot + ending)
    data = read(tmp_path)
    # Titles before texts; candidates by falling id; d4 is relevant and no candidate.
    assert data.queries == [Query(("cats",), ("a dog", "Two cats", "a cat"), (0, 2, 1), (1,))]
    assert data.skipped == 1
    assert "1 queries without positives were skipped" in data.notes
    assert data.notes[-1] == "1 scored queries where the published set has 3978"


def test_v2_without_top_ranked_takes_the_judged_documents_and_says_so(tmp_path: Path) -> None:
    for part in ("corpus", "queries", "qrels"):
        write(tmp_path / NAME / part, V2[part], ".jsonl")
    data = read(tmp_path)
    assert data.queries == [Query(("cats",), ("elsewhere", "a dog", "Two cats", "a cat"), (1, 0, 2, 1))]
    assert any("without top_ranked" in note for note in data.notes)


def test_mind_has_one_query_of_several_texts_where_ids_differ_after_the_last_underscore(tmp_path: Path) -> None:
    parts: dict[str, Rows] = {
        "corpus": [{"id": "d1", "text": "x"}, {"id": "d2", "text": "y"}],
        "queries": [{"id": "test_a_0", "text": "first"}, {"id": "test_a_1", "text": "second"}],
        "qrels": [
            {"query-id": f"test_a_{n}", "corpus-id": d, "score": int(d == "d1")} for n in (0, 1) for d in ("d1", "d2")
        ],
        "top_ranked": [{"query-id": f"test_a_{n}", "corpus-ids": ["d1", "d2"]} for n in (0, 1)],
    }
    for part, rows in parts.items():
        write(tmp_path / "MindSmallReranking" / part, rows, ".jsonl")
    assert read(tmp_path, "MindSmallReranking").queries == [Query(("first", "second"), ("y", "x"), (0, 1))]


def test_any_file_of_the_directory_is_a_task_by_its_name(tmp_path: Path) -> None:
    write(tmp_path / "mine", V1, ".jsonl")
    data = read(tmp_path, "mine.jsonl")
    assert (data.name, data.items, data.notes) == ("mine.jsonl", 2, [])
    _, missing = read_tasks(["yours.jsonl"], None, reranking=tmp_path)
    assert missing == [Missing("yours.jsonl", str(tmp_path / "yours.jsonl"))]
    with pytest.raises(SyncseError, match="Not a file name") as caught:
        resolve(["../secret.jsonl"])
    assert caught.value.code == ExitCode.USAGE


def test_queries_without_positives_or_negatives_are_skipped_counted_and_named(tmp_path: Path) -> None:
    rows = [*V1, {"query": "q", "positive": [], "negative": ["x"]}, {"query": "q", "positive": ["x"], "negative": []}]
    write(tmp_path / "mine", rows, ".jsonl")
    data = read(tmp_path, "mine.jsonl")
    assert (data.items, data.skipped) == (2, 2)
    assert data.notes == ["1 queries without positives were skipped", "1 queries without negatives were skipped"]


def vectors(**by_text: tuple[float, float]) -> Vectors:
    names = {name.replace("_", " "): row for row, name in enumerate(by_text)}
    return Vectors(names, np.array(list(by_text.values())))


def test_a_query_of_several_texts_counts_by_its_nearest_one() -> None:
    query = Query(("east", "north"), ("low", "high", "west"), (0, 1, 0))
    data = RerankingData(name="t", queries=[query])
    known = vectors(east=(1, 0), north=(0, 1), low=(0.8, 0.6), high=(0.1, 1), west=(-1, 0))
    assert data.score(known, lambda: None).metrics == {"map": 1.0, "map@1000": 1.0, "mrr@10": 1.0, "ndcg@10": 1.0}


def test_equal_candidates_tie_and_the_negative_comes_first(tmp_path: Path) -> None:
    write(tmp_path / "mine", [{"query": "q", "positive": ["same"], "negative": ["same", "far"]}], ".jsonl")
    data = read(tmp_path, "mine.jsonl")
    score = data.score(vectors(q=(1, 0.3), same=(0.7, 0.1), far=(0, 1)), lambda: None)
    assert score.metrics == {"map": 0.5, "map@1000": 0.5, "mrr@10": 0.5, "ndcg@10": pytest.approx(1 / np.log2(3))}
    assert score.predictions["map"] == (0.5,)


def test_no_query_to_score_is_undefined_with_a_reason() -> None:
    score = RerankingData(name="t", queries=[]).score(vectors(x=(0, 0)), lambda: None)
    assert set(score.metrics.values()) == {None}
    assert score.notes == ("undefined: no query has both a positive and a negative",)


GOOD = lines(V1[:1])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (GOOD + '{"query": "cut he', r"mine\.jsonl, line 2: is not a JSON object \(JSONDecodeError; truncated\?\)"),
        (GOOD + "[1]\n", "line 2: is JSON, but no object"),
        ('{"query": "q", "positive": ["a"]}\n', r"has no column negative \(its columns: 'query', 'positive'\)"),
        ('{"sentence1": "q", "score": 1}\n', r"has no column query \(its columns: 'sentence1', 'score'\)"),
        ('{"query": 3, "positive": ["a"], "negative": ["b"]}\n', "query is neither a text nor a list of texts"),
        ('{"query": "q", "positive": [null], "negative": ["b"]}\n', "positive is neither a text nor a list of texts"),
        ('{"query": " ", "positive": ["a"], "negative": ["b"]}\n', "line 1: the query is empty"),
        ('{"query": [], "positive": ["a"], "negative": ["b"]}\n', "line 1: the query is empty"),
        ("[" * 100_000 + "\n", r"is not a JSON object \(RecursionError"),
        (b'{"query": "caf\xe9"}\n', r"is not a JSON object \(UnicodeDecodeError"),
    ],
)
def test_faulty_v1_files_are_refused_by_file_and_line(tmp_path: Path, content: str | bytes, says: str) -> None:
    (tmp_path / "mine.jsonl").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SyncseError, match=says):
        read(tmp_path, "mine.jsonl")


@pytest.mark.parametrize("ending", [".jsonl.gz", ".parquet"])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, ending: str) -> None:
    write(tmp_path / "mine", [{**V1[0], "query": "cats"}] * 500, ending)
    path = tmp_path / f"mine{ending}"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SyncseError, match=r"cannot be read to its end|is not a complete Parquet file"):
        read(tmp_path, f"mine{ending}")


@pytest.mark.parametrize(
    ("part", "row", "says"),
    [
        ("corpus", {"id": "d9"}, "corpus.jsonl, line 5: has no column text"),
        ("corpus", {"text": "x"}, "has no column id or _id"),
        ("qrels", {"query-id": "q1", "corpus-id": "d1", "score": "high"}, "the score 'high' is not a whole number"),
        ("qrels", {"query-id": "q1", "corpus-id": "d1", "score": 0.5}, "the score '0.5' is not a whole number"),
        ("qrels", {"query-id": "q1", "corpus-id": "d1", "score": 10**400}, "is not a whole number"),
        ("qrels", {"query-id": None, "corpus-id": "d1", "score": 1}, "query-id is not a text"),
        ("top_ranked", {"query-id": "q3", "corpus-ids": "d1"}, None),
        ("top_ranked", {"query-id": "q3", "corpus-ids": [1]}, "corpus-ids is neither a text nor a list of texts"),
    ],
)
def test_faulty_v2_rows_are_refused(tmp_path: Path, part: str, row: dict[str, Any], says: str | None) -> None:
    for name, rows in V2.items():
        write(tmp_path / NAME / name, [*rows, row] if name == part else rows, ".jsonl")
    if says is None:
        assert read(tmp_path).items == 1
        return
    with pytest.raises(SyncseError, match=says):
        read(tmp_path)


@pytest.mark.parametrize("absent", ["queries", "qrels"])
def test_a_corpus_without_its_other_parts_is_refused(tmp_path: Path, absent: str) -> None:
    for part, rows in V2.items():
        if part != absent:
            write(tmp_path / NAME / part, rows, ".jsonl")
    with pytest.raises(SyncseError, match=f"has a corpus but no {absent}"):
        read(tmp_path)


def test_a_candidate_that_the_corpus_lacks_is_named(tmp_path: Path) -> None:
    for part, rows in V2.items():
        write(tmp_path / NAME / part, rows[1:] if part == "corpus" else rows, ".jsonl")
    with pytest.raises(SyncseError, match="the corpus has no document 'd1', a candidate of query 'q1'"):
        read(tmp_path)


def test_missing_sets_and_a_missing_directory(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    _, missing = read_tasks(["reranking"], None, reranking=tmp_path)
    assert [absent.task for absent in missing] == [task.name for task in resolve(["reranking"])]
    assert missing[2].looked_for == f"{tmp_path / NAME} (as .jsonl, .jsonl.gz, .parquet, or a directory)"
    assert "no reranking directory was given" in read_tasks([NAME], None)[1][0].looked_for
    with pytest.raises(SyncseError, match="No reranking directory"):
        read_tasks([NAME], None, reranking=tmp_path / "nowhere")
