"""Reranking by an encoder's own ways: its prompts for queries and documents, its own similarity, as the libraries do it."""

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import evaluation
from sentence_transformers.sentence_transformer import modules as st

from syncse_local.encoders.base import SentenceEncoder
from syncse_local.encoders.open import open_encoder
from syncse_local.encoders.options import EncoderOptions
from syncse_local.evaluation.base import TaskScore
from syncse_local.evaluation.metrics import similarity
from syncse_local.evaluation.run import evaluate
from tests.contract.encoders_alike import model
from tests.contract.random_encoders import write
from tests.contract.test_reranking_parity import WORDS, Silent, written

PROMPTS: dict[str, str | None] = {"query": "a red car: ", "document": "the dog. ", "always": "not some one "}
OWN = ("cosine", "dot", "euclidean", "manhattan")


@pytest.fixture(scope="module")
def encoders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One encoder for each similarity, with prompts that change its vectors; `plain` has a default prompt alone."""
    folder = tmp_path_factory.mktemp("encoders")
    bert = write("bert", folder / "bert")
    for name in (*OWN, "plain"):
        prompts = {"always": PROMPTS["always"]} if name == "plain" else PROMPTS
        options: dict[str, Any] = {"similarity_fn_name": "cosine" if name == "plain" else name}
        library = SentenceTransformer(
            modules=[st.Transformer(str(bert)), st.Pooling(32, include_prompt=name != "dot")],
            prompts=prompts,
            default_prompt_name="always",
            device="cpu",
            **options,
        )
        library.save(str(folder / name))
    return folder


def samples(path: Path) -> list[dict[str, Any]]:
    """Thirty queries with different candidates, as MTEB v1 has them: also a file in `path`."""
    random = Random(5)
    texts = list(dict.fromkeys(" ".join(random.choice(WORDS) for _ in range(8)) for _ in range(300)))
    found = []
    for _ in range(30):
        query, *documents = random.sample(texts, 12)
        found.append({"query": query, "positive": documents[:3], "negative": documents[3:]})
    (path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    return found


class Counted:
    """An encoder that remembers which texts it was given behind which prompt."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self.encoder = encoder
        self.calls: dict[str | None, int] = {}

    def __call__(self, texts: list[str], prompt: str | None = None) -> NDArray[Any]:
        self.calls[prompt] = len(texts)
        found: NDArray[Any] = self.encoder.encode(texts, prompt=prompt)
        return found


def scored(path: Path, task: str, data: Path) -> tuple[TaskScore, Counted]:
    encoder = open_encoder(path, EncoderOptions(device="cpu"))
    encode = Counted(encoder)
    ways: dict[str, Any] = {"prompts": encoder.prompts, "similarity": encoder.similarity}
    result = evaluate(encode, [task], None, Silent(), reranking=data, **ways)
    return result.scores[0], encode


@pytest.mark.parametrize("name", [*OWN, "plain"])
def test_queries_and_documents_are_ranked_as_the_library_ranks_them(name: str, encoders: Path, tmp_path: Path) -> None:
    rows = samples(tmp_path)
    score, encode = scored(encoders / name, "mine.jsonl", tmp_path)
    library = model(encoders / name)
    evaluator = evaluation.RerankingEvaluator(
        rows, at_k=10, similarity_fct=library.similarity, use_batched_encoding=False, show_progress_bar=False
    )
    theirs = evaluator.compute_metrics(library)
    assert score.metrics["mrr@10"] == pytest.approx(theirs["mrr"], abs=1e-6)
    assert score.metrics["ndcg@10"] == pytest.approx(theirs["ndcg"], abs=1e-6)
    by_cosine = evaluation.RerankingEvaluator(rows, at_k=10, use_batched_encoding=False, show_progress_bar=False)
    assert score.metrics["map"] == pytest.approx(by_cosine.compute_metrics(library)["map"], abs=1e-6)
    assert any("own similarity" in note for note in score.notes) == (name not in ("cosine", "plain"))
    asked = {""} if name == "plain" else {PROMPTS["query"], PROMPTS["document"]}
    assert set(encode.calls) == asked  # without prompts of its own, a query goes without the default one too


def test_prompts_for_the_task_come_before_those_for_the_role(encoders: Path, tmp_path: Path) -> None:
    samples(tmp_path)
    file = encoders / "cosine" / "config_sentence_transformers.json"
    before = file.read_text()
    try:
        for more, asked in (
            ({"Reranking": "for all "}, {"for all "}),
            ({"Reranking": "for all ", "Reranking-query": "asked "}, {"for all ", "asked "}),
            ({"Reranking": "for all ", "mine.jsonl": "the task's "}, {"the task's "}),
        ):
            file.write_text(json.dumps({**json.loads(before), "prompts": {**PROMPTS, **more}}))
            assert set(scored(encoders / "cosine", "mine.jsonl", tmp_path)[1].calls) == asked
    finally:
        file.write_text(before)


def test_an_encoder_without_prompts_is_asked_once(encoders: Path, tmp_path: Path) -> None:
    rows = samples(tmp_path)
    _, encode = scored(encoders / "bert", "mine.jsonl", tmp_path)
    distinct = {text for row in rows for text in (row["query"], *row["positive"], *row["negative"])}
    assert encode.calls == {None: len(distinct)}


@pytest.mark.parametrize("kind", OWN)
def test_similarities_are_the_librarys(kind: str, encoders: Path) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(9, 17)), rng.normal(size=(5, 17))
    theirs = model(encoders / kind).similarity(first.astype(np.float32), second.astype(np.float32)).numpy()
    assert np.abs(similarity(kind, first, second) - theirs).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OWN, "plain"])
@pytest.mark.parametrize("task", ["SciDocsRR", "AskUbuntuDupQuestions"])
def test_mteb_gives_the_same_with_the_same_model(
    name: str, task: str, encoders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    mteb = pytest.importorskip("mteb", reason="mteb is not installed; the `parity` extra brings it")
    directory = written(tmp_path, task)
    theirs = mteb.get_task(task)
    monkeypatch.setattr(theirs.metadata, "dataset", {"path": str(directory), "revision": None})
    wrapped = mteb.models.SentenceTransformerEncoderWrapper(model(encoders / name))
    found = theirs.evaluate(wrapped, "test", encode_kwargs={"show_progress_bar": False})["default"]
    ours, _ = scored(encoders / name, task, tmp_path)
    for metric, other in (("map@1000", "map_at_1000"), ("mrr@10", "mrr_at_10"), ("ndcg@10", "ndcg_at_10")):
        assert ours.metrics[metric] == pytest.approx(found[other], abs=1e-4)
