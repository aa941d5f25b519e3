"""The exported MTEB layout read by mteb itself: task results, model meta, and a results directory as a whole."""

import json
import sqlite3
from pathlib import Path

import pytest

from syncse_local.results import mteb as layout
from syncse_local.results.files import write
from syncse_local.results.records import collect
from syncse_local.store.database import connect
from tests.unit.eval_runs import evaluated

SCORES: dict[tuple[str, str], float | None] = {
    ("STS12", "spearman"): 0.7237,
    ("STSB", "spearman"): 0.8203,
    ("STSB-dev", "spearman"): 0.8672,
    ("SciDocsRR", "map"): 0.81,
    ("SciDocsRR", "map@1000"): 0.8,
    ("mine.jsonl", "map@1000"): 0.5,
}


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "w.db")


def test_mteb_loads_what_was_exported(connection: sqlite3.Connection, tmp_path: Path) -> None:
    pytest.importorskip("mteb", reason="mteb is in the extra `parity`")
    from mteb.cache import ResultCache
    from mteb.models.model_meta import ModelMeta
    from mteb.results import TaskResult

    root = tmp_path / "cache" / "results"
    texts = layout.files(collect(connection, [evaluated(connection, "my model", SCORES)]), "my lab")
    write({root / path: text for path, text in texts.items()}, force=False)
    for path, text in texts.items():
        data = json.loads(text)
        if path.name == "model_meta.json":
            assert ModelMeta(**data).model_name_as_path() == path.parent.parent.name
        else:
            read = TaskResult.from_disk(root / path)
            assert read.task_name == path.stem
            assert read.get_score(splits=["test"]) == pytest.approx(data["scores"]["test"][0]["main_score"])
    (model,) = ResultCache(tmp_path / "cache").load_results(include_remote=False).model_results
    assert (model.model_name, model.model_revision) == ("my_lab/my_model", "w-my_model")
    scores = {result.task_name: result.get_score(splits=["test"]) for result in model.task_results}
    assert scores == pytest.approx({"STS12": 0.7237, "STSBenchmark": 0.8203, "SciDocsRR": 0.8, "mine.jsonl": 0.5})
