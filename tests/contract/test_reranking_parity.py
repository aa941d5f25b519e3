"""Reranking figures against the libraries that define them, to 1e-4 and closer.

trec_eval (pytrec_eval) is what MTEB v2 computes with; sentence-transformers' RerankingEvaluator is where MTEB v1's came
from; MTEB's own task code, fed from disk, runs where the `parity` extra is installed.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from syncse_local.evaluation.base import TaskScore
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.reranking import Query, RerankingData, measures
from syncse_local.evaluation.run import evaluate

WORDS = "cat dog rain train red car green run guitar man boat sun moon tall paper".split()
PARTS = ("corpus", "queries", "qrels", "top_ranked")


class Silent:
    """A reporter for a stage nobody watches."""

    def progress(self, done: int, total: int, **data: object) -> None: ...
    def event(self, kind: str, **data: object) -> None: ...
    def metric(self, name: str, step: int, value: float) -> None: ...
    def cancelled(self) -> bool:
        return False


def letters(sentences: Sequence[str]) -> NDArray[Any]:
    """An encoder that needs no model: how often each letter occurs."""
    return np.array([[s.count(c) for c in " abcdefghijklmnopqrstuvwxyz"] for s in sentences], dtype=np.float32)


def score(name: str, root: Path, encode: Any = letters) -> TaskScore:
    return evaluate(encode, [name], None, Silent(), reranking=root).scores[0]


def written(root: Path, task: str, subqueries: int = 1) -> Path:
    """A v2 set as the Hub has it, with its README, of queries in `subqueries` parts each."""
    random = Random(3)

    def text(count: int) -> str:
        return " ".join(random.choice(WORDS) for _ in range(count))

    corpus = [{"id": f"d{n}", "text": text(6), "title": random.choice(["", text(2)])} for n in range(80)]
    rows: dict[str, list[dict[str, Any]]] = {"corpus": corpus, "queries": [], "qrels": [], "top_ranked": []}
    for number in range(15):
        listed = random.sample([row["id"] for row in corpus], 20)
        relevant = set(listed[: random.randint(1, 4)])
        for part in range(subqueries):
            key = f"q_{number}_{part}" if subqueries > 1 else f"q{number}"
            rows["queries"].append({"id": key, "text": text(4)})
            rows["top_ranked"].append({"query-id": key, "corpus-ids": listed})
            rows["qrels"] += [{"query-id": key, "corpus-id": d, "score": int(d in relevant)} for d in listed]
    for name, table in rows.items():
        (root / task / name).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(table), root / task / name / "test-00000-of-00001.parquet")
    splits = "".join(f"- config_name: {p}\n  data_files:\n  - split: test\n    path: {p}/test-*\n" for p in PARTS)
    (root / task / "README.md").write_text(f"---\nconfigs:\n{splits}---\n")
    return root / task


@pytest.mark.parametrize("seed", range(20))
def test_ranked_measures_are_trec_evals_with_ties_graded_gains_and_unlisted_documents(seed: int) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval")
    random = Random(seed)
    names = sorted((f"d{n}" for n in range(random.randint(5, 1500))), reverse=True)
    gains = {name: random.choice([0, 0, 0, 1, 2]) for name in names} | {names[0]: 1, names[-1]: 0}
    scores = {name: random.randint(-20, 20) / 32 for name in names}
    unlisted = {f"other{n}": 1 for n in range(seed % 3)}
    wanted = {"map_cut.1000", "ndcg_cut.10"}
    theirs = pytrec_eval.RelevanceEvaluator({"q": gains | unlisted}, wanted).evaluate({"q": scores})["q"]
    query = Query(("q",), tuple(names), tuple(gains.values()), tuple(unlisted.values()))
    ours = measures(query, np.array([scores[name] for name in names], dtype=np.float32))
    assert ours["map@1000"] == pytest.approx(theirs["map_cut_1000"], abs=1e-9)
    assert ours["ndcg@10"] == pytest.approx(theirs["ndcg_cut_10"], abs=1e-9)


class Model:
    """The face of a model that sentence-transformers' evaluator looks at."""

    similarity_fn_name = "cosine"

    def encode(self, sentences: Sequence[str], **options: Any) -> Any:
        import torch

        return torch.from_numpy(letters(sentences))

    encode_query = encode_document = encode


def test_v1_measures_are_sentence_transformers(tmp_path: Path) -> None:
    evaluation = pytest.importorskip("sentence_transformers.sentence_transformer.evaluation")
    random = Random(5)
    texts = list(dict.fromkeys(" ".join(random.choice(WORDS) for _ in range(8)) for _ in range(400)))
    samples = []
    for _ in range(30):  # all different: the reference breaks ties as the sort happens to
        query, *documents = random.sample(texts, 16)
        samples.append({"query": query, "positive": documents[:3], "negative": documents[3:]})
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    theirs = evaluation.RerankingEvaluator(samples, at_k=10).compute_metrics(Model())
    ours = score("mine.jsonl", tmp_path).metrics
    assert ours["map"] == pytest.approx(theirs["map"], abs=1e-4)
    assert ours["mrr@10"] == pytest.approx(theirs["mrr"], abs=1e-4)
    assert ours["ndcg@10"] == pytest.approx(theirs["ndcg"], abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["semeval2016_cqaB_dev_title.jsonl", "semeval2016_cqaB_train_part2_title.jsonl"])
def test_minilm_on_published_queries_equals_sentence_transformers(name: str, data_dir: Path, minilm: Any) -> None:
    evaluation = pytest.importorskip("sentence_transformers.sentence_transformer.evaluation")
    file = data_dir / "reranking" / name
    if not file.exists():
        pytest.skip(f"{file} is not there")
    samples = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    theirs = evaluation.RerankingEvaluator(samples, at_k=10, show_progress_bar=False).compute_metrics(minilm)
    ours = score(name, file.parent, lambda sentences: minilm.encode(list(sentences))).metrics
    assert ours["map"] == pytest.approx(theirs["map"], abs=1e-4)
    assert ours["mrr@10"] == pytest.approx(theirs["mrr"], abs=1e-4)


class MtebModel:
    """The face of a model that MTEB's task code looks at."""

    mteb_model_meta = None

    def encode(self, inputs: Any, **options: Any) -> NDArray[Any]:
        return np.vstack([letters(batch["text"]) for batch in inputs])

    def similarity(self, first: Any, second: Any) -> Any:
        from sentence_transformers.util import cos_sim

        return cos_sim(first, second)

    def similarity_pairwise(self, first: Any, second: Any) -> Any:
        raise NotImplementedError


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "subqueries", "prefix"),
    [
        ("AskUbuntuDupQuestions", 1, ""),
        ("SciDocsRR", 1, ""),
        ("StackOverflowDupQuestions", 1, ""),
        ("MindSmallReranking", 3, "max_over_subqueries_"),
    ],
)
def test_mtebs_own_task_code_gives_the_same_from_the_same_files(
    task: str, subqueries: int, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    mteb = pytest.importorskip("mteb", reason="mteb is not installed; the `parity` extra brings it")
    directory = written(tmp_path, task, subqueries)
    theirs = mteb.get_task(task)
    monkeypatch.setattr(theirs.metadata, "dataset", {"path": str(directory), "revision": None})
    found = theirs.evaluate(MtebModel(), "test", encode_kwargs={"show_progress_bar": False})["default"]
    ours = score(task, tmp_path)
    assert ours.items == 15
    for metric, name in (("map@1000", "map_at_1000"), ("mrr@10", "mrr_at_10"), ("ndcg@10", "ndcg_at_10")):
        assert ours.metrics[metric] == pytest.approx(found[prefix + name], abs=1e-4)


def test_both_layouts_of_one_set_give_the_same_figures(tmp_path: Path) -> None:
    written(tmp_path, "SciDocsRR")
    (data,) = read_tasks(["SciDocsRR"], None, reranking=tmp_path)[0]
    assert isinstance(data, RerankingData)
    rows = []
    for query in data.queries:
        sides: dict[bool, list[str]] = {True: [], False: []}
        for document, gain in zip(query.documents, query.gains, strict=True):
            sides[gain > 0].append(document)
        rows.append({"query": query.texts[0], "positive": sides[True], "negative": sides[False]})
    (tmp_path / "v1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert score("v1.jsonl", tmp_path).metrics == pytest.approx(dict(score("SciDocsRR", tmp_path).metrics), abs=1e-12)
