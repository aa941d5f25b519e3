"""What other libraries make of our tasks: sentence-transformers' evaluators, MTEB's task code, trec_eval, scikit-learn.

Knows how each wants its data; computes no measure itself. A model here is a SentenceTransformer.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import senteval_sklearn
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, average_precision_score, f1_score

from syncse_local.evaluation.base import Vectors
from syncse_local.evaluation.reranking import RerankingData
from syncse_local.evaluation.run import encode_index, sentence_index
from syncse_local.evaluation.sts import StsData
from syncse_local.evaluation.transfer import TransferData

MTEB_STS = {"STSB": "STSBenchmark", "SICKR": "SICK-R"} | {f"STS{year}": f"STS{year}" for year in range(12, 17)}


class MtebModel:
    """The face of a model that MTEB's task code looks at."""

    mteb_model_meta = None

    def __init__(self, model: Any) -> None:
        self.model = model

    def encode(self, inputs: Any, **options: Any) -> NDArray[Any]:
        """Batches of {"text": [...]} to one array."""
        return np.vstack([self.model.encode(batch["text"]) for batch in inputs])

    def similarity(self, first: Any, second: Any) -> Any:
        """Every cosine of the two sides."""
        from sentence_transformers.util import cos_sim

        return cos_sim(first, second)

    def similarity_pairwise(self, first: Any, second: Any) -> Any:
        """The cosine of each row with its counterpart."""
        from sentence_transformers.util import pairwise_cos_sim

        return pairwise_cos_sim(first, second)


def sts(data: StsData, model: Any) -> dict[str, float]:
    """Spearman by sentence-transformers' evaluator and, where MTEB has the task, by MTEB's own code."""
    from sentence_transformers.sentence_transformer.evaluation import EmbeddingSimilarityEvaluator

    pairs = data.pairs()
    first, second, gold = [p.first for p in pairs], [p.second for p in pairs], [p.gold for p in pairs]
    evaluator = EmbeddingSimilarityEvaluator(first, second, gold, batch_size=64, write_csv=False)
    found = {"sentence-transformers": float(evaluator(model)["spearman_cosine"])}
    if name := MTEB_STS.get(data.name):
        rows = [{"sentence1": a, "sentence2": b, "score": g} for a, b, g in zip(first, second, gold, strict=True)]
        with tempfile.TemporaryDirectory() as folder:
            _jsonl(Path(folder) / "test.jsonl", rows)
            found["mteb"] = mteb_scores(name, Path(folder), model)["cosine_spearman"]
    return found


def reranking(data: RerankingData, model: Any) -> dict[str, dict[str, float]]:
    """Each measure by each library that has it: {measure: {library: value}}."""
    from pytrec_eval import RelevanceEvaluator
    from sentence_transformers.sentence_transformer.evaluation import RerankingEvaluator
    from sentence_transformers.util import cos_sim

    samples, gains, scores, precision = [], {}, {}, []
    for number, query in enumerate(data.queries):
        sides: dict[bool, list[str]] = {True: [], False: []}
        for document, gain in zip(query.documents, query.gains, strict=True):
            sides[gain > 0].append(document)
        samples.append({"query": query.texts[0], "positive": sides[True], "negative": sides[False]})
        cosines = cos_sim(model.encode(list(query.texts)), model.encode(list(query.documents))).max(0).values.numpy()
        precision.append(average_precision_score(np.array(query.gains) > 0, cosines))
        names = [f"d{place:05}" for place in range(len(cosines))][::-1]
        gains[str(number)] = dict(zip(names, map(int, query.gains), strict=True))
        scores[str(number)] = dict(zip(names, map(float, cosines), strict=True))
    theirs = RerankingEvaluator(samples, at_k=10, batch_size=64, write_csv=False).compute_metrics(model)
    trec = RelevanceEvaluator(gains, {"map_cut.1000", "ndcg_cut.10", "recip_rank"}).evaluate(scores).values()
    v2 = _mteb_reranking(samples, model)
    return {
        "map": {"sentence-transformers": float(theirs["map"]), "scikit-learn": float(np.mean(precision))},
        "map@1000": {"trec_eval": _mean(trec, "map_cut_1000"), "mteb": v2["map_at_1000"]},
        "mrr@10": {"sentence-transformers": float(theirs["mrr"]), "mteb": v2["mrr_at_10"]},
        "ndcg@10": {"trec_eval": _mean(trec, "ndcg_cut_10"), "mteb": v2["ndcg_at_10"]},
    }


def transfer(data: TransferData, model: Any) -> dict[str, dict[str, float]]:
    """Accuracy, and F1 where the task has it, by scikit-learn fitted to the optimum and at its default tolerance."""
    index = sentence_index([data])
    vectors = Vectors(index, encode_index(lambda sentences: model.encode(list(sentences), batch_size=64), index))
    found: dict[str, dict[str, float]] = {"accuracy": {}, "f1": {}}
    for name, settings in (
        ("scikit-learn, tol 1e-6", senteval_sklearn.TIGHT),
        ("scikit-learn", senteval_sklearn.DEFAULT),
    ):
        gold, predicted = senteval_sklearn.predictions(data, vectors, settings)
        found["accuracy"][name] = float(accuracy_score(gold, predicted))
        if data.f1:
            found["f1"][name] = float(f1_score(gold, predicted))
    return {measure: values for measure, values in found.items() if values}


def _mteb_reranking(samples: Sequence[dict[str, Any]], model: Any) -> dict[str, float]:
    tables: dict[str, list[dict[str, Any]]] = {"corpus": [], "queries": [], "qrels": [], "top_ranked": []}
    for number, sample in enumerate(samples):
        tables["queries"].append({"id": f"q{number}", "text": sample["query"]})
        listed = []
        for side, gain in (("positive", 1), ("negative", 0)):
            for place, document in enumerate(sample[side]):
                listed.append(f"a{side}_q{number}_{place:05}")
                tables["corpus"].append({"id": listed[-1], "text": document, "title": ""})
                tables["qrels"].append({"query-id": f"q{number}", "corpus-id": listed[-1], "score": gain})
        tables["top_ranked"].append({"query-id": f"q{number}", "corpus-ids": listed})
    with tempfile.TemporaryDirectory() as folder:
        splits = ""
        for name, rows in tables.items():
            (Path(folder) / name).mkdir()
            _jsonl(Path(folder) / name / "test.jsonl", rows)
            splits += f"- config_name: {name}\n  data_files:\n  - split: test\n    path: {name}/test.jsonl\n"
        (Path(folder) / "README.md").write_text(f"---\nconfigs:\n{splits}---\n")
        return mteb_scores("AskUbuntuDupQuestions", Path(folder), model)


def mteb_scores(task: str, folder: Path, model: Any) -> dict[str, float]:
    """The figures of MTEB's task code on the files in `folder`; its model need have `encode` alone."""
    import datasets
    import mteb

    found = mteb.get_task(task)
    found.metadata.dataset = {"path": str(folder), "revision": None}
    with tempfile.TemporaryDirectory() as cache:
        kept, datasets.config.HF_DATASETS_CACHE = datasets.config.HF_DATASETS_CACHE, Path(cache)
        try:
            scores = found.evaluate(MtebModel(model), "test", encode_kwargs={"show_progress_bar": False})
        finally:
            datasets.config.HF_DATASETS_CACHE = kept
    return dict(scores["default"])


def _jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _mean(queries: Any, measure: str) -> float:
    return float(np.mean([query[measure] for query in queries]))
