"""Tasks of one's own domain equal independent code: trec_eval for retrieval, plain loops for triplets, scipy for pairs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytrec_eval
from scipy import stats

from syncse_local.errors import SyncseError
from syncse_local.evaluation.base import Missing, TaskData, TaskScore, Vectors
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.tasks import resolve


def read(name: str, own: Path) -> TaskData:
    (found,), missing = read_tasks([name], None, own=own)
    assert not missing
    return found


def scored(data: TaskData, vectors: dict[str, Any]) -> TaskScore:
    index = {text: place for place, text in enumerate(vectors)}
    return data.score(Vectors(index, np.array(list(vectors.values()))), lambda: None)


def vectors_of(data: TaskData) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {text: rng.normal(size=8) for text in dict.fromkeys(data.sentences())}


def cosine(a: Any, b: Any) -> float:
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_triplets_are_counted_as_a_loop_counts_them(tmp_path: Path) -> None:
    rows: list[dict[str, str]] = [{"anchor": f"a{n}", "positive": f"p{n}", "negative": f"n{n}"} for n in range(50)]
    jsonl(tmp_path / "held.jsonl", rows)
    data = read("triplets:held.jsonl", tmp_path)
    vectors = vectors_of(data)
    margins = [
        cosine(vectors[row["anchor"]], vectors[row["positive"]])
        - cosine(vectors[row["anchor"]], vectors[row["negative"]])
        for row in rows
    ]
    found = scored(data, vectors)
    assert found.metrics["triplet_accuracy"] == pytest.approx(np.mean([margin > 0 for margin in margins]))
    assert found.metrics["margin"] == pytest.approx(np.mean(margins))
    assert found.items == 50


@pytest.mark.parametrize("name", ["mine.csv", "mine.tsv", "mine.jsonl"])
def test_pairs_on_any_scale_are_scipys(name: str, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"sentence1": f"x {n}", "sentence2": f"y, {n}", "score": n * 12.5 - 100} for n in range(20)
    ]
    sign = "," if name.endswith("csv") else "\t"
    lines = [sign.join(('"{}"' if sign == "," else "{}").format(v) for v in row.values()) for row in rows]
    text = "\n".join([sign.join(rows[0]), *lines])
    path = tmp_path / name
    jsonl(path, rows) if name.endswith("jsonl") else path.write_text(text, encoding="utf-8")
    data = read(f"pairs:{name}", tmp_path)
    vectors = vectors_of(data)
    cosines = [cosine(vectors[row["sentence1"]], vectors[row["sentence2"]]) for row in rows]
    expected = stats.spearmanr(cosines, [row["score"] for row in rows]).statistic
    assert scored(data, vectors).metrics["spearman"] == pytest.approx(expected)


def test_retrieval_is_trec_evals(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    folder = tmp_path / "beir"
    jsonl(folder / "corpus.jsonl", [{"_id": f"d{n}", "title": "", "text": f"document {n}"} for n in range(200)])
    jsonl(folder / "queries.jsonl", [{"_id": f"q{n}", "text": f"query {n}"} for n in range(30)])
    (folder / "qrels").mkdir()
    judged = {
        f"q{n}": {f"d{d}": int(rng.integers(1, 3)) for d in rng.choice(200, rng.integers(1, 9), replace=False)}
        for n in range(29)
    }
    lines = [f"{query}\t{doc}\t{gain}" for query, gains in judged.items() for doc, gain in gains.items()]
    text = "\n".join(["query-id\tcorpus-id\tscore", *lines])
    (folder / "qrels" / "test.tsv").write_text(text, encoding="utf-8")
    data = read("retrieval:beir", tmp_path)
    vectors = vectors_of(data)
    run = {
        query: {f"d{d}": cosine(vectors[f"query {query[1:]}"], vectors[f"document {d}"]) for d in range(200)}
        for query in judged
    }
    measures = {"ndcg_cut.10", "recall.1,10,100", "recip_rank"}
    each = pytrec_eval.RelevanceEvaluator(judged, measures).evaluate(run).values()
    found = scored(data, vectors)
    assert found.items == 29
    assert found.skipped == 1
    for ours, theirs in (("ndcg@10", "ndcg_cut_10"), ("recall@1", "recall_1"), ("recall@100", "recall_100")):
        assert found.metrics[ours] == pytest.approx(np.mean([row[theirs] for row in each])), ours
    reciprocal = [row["recip_rank"] if row["recip_rank"] >= 0.1 else 0.0 for row in each]
    assert found.metrics["mrr@10"] == pytest.approx(np.mean(reciprocal))


def test_a_positive_is_looked_for_among_all_texts_of_the_triplets(tmp_path: Path) -> None:
    jsonl(tmp_path / "t.jsonl", [{"anchor": f"a{n}", "positive": f"p{n}", "negative": f"n{n}"} for n in range(3)])
    data = read("retrieval:t.jsonl", tmp_path)
    eye = np.eye(6)
    vectors = {f"{kind}{n}": eye[n + 3 * (kind == "n")] for n in range(3) for kind in "apn"}
    assert scored(data, vectors).metrics["recall@1"] == 1.0
    assert len(set(data.sentences())) == 9


def test_bad_names_and_files_are_refused_and_absent_ones_are_missing(tmp_path: Path) -> None:
    for name in ("triplets", "triplets:", "pairs:../x.csv"):
        with pytest.raises(SyncseError) as refused:
            resolve([name])
        assert "--own" in refused.value.hint + refused.value.detail
    assert isinstance(read_tasks(["pairs:gone.csv"], None, own=tmp_path)[1][0], Missing)
    (tmp_path / "bad.csv").write_text("sentence1,sentence2,score\na,b,high\n", encoding="utf-8")
    with pytest.raises(SyncseError) as bad:
        read("pairs:bad.csv", tmp_path)
    assert "line 2" in bad.value.detail
