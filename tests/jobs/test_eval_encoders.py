"""`syncse eval` with encoders of every kind, the vector cache between runs, and files that are not the published ones."""

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import gguf_bert
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from syncse_local.errors import ExitCode
from tests.conftest import Cli


def scored(cli: Cli, *arguments: str, **environment: str) -> dict[str, Any]:
    """The result of an eval run on the starter set."""
    done = cli("eval", *arguments, "--tasks", "starter", "--device", "cpu", "--json", **environment)
    assert done.returncode == ExitCode.OK, done.stderr
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(documents[-1]["result"])


def test_a_gguf_file_scores_as_its_directory_and_static_vectors_score(
    cli: Cli, tiny_encoder: Path, tmp_path: Path
) -> None:
    gguf_bert.write(tiny_encoder, tmp_path / "bert.gguf")
    (tmp_path / "glove.txt").write_text("man 1 2 3\ndog 2 1 0\nred 0 1 5\nthe 1 1 1\n")
    first = scored(cli, str(tiny_encoder))
    second = scored(cli, "bert", SYNCSE_MODEL_DIRS=str(tmp_path))  # by its name in the catalog
    third = scored(cli, str(tmp_path / "glove.txt"))
    assert first["spearman"]["starter"] == pytest.approx(second["spearman"]["starter"], abs=2e-3)
    assert second["settings"]["pooling"] == "avg"
    assert "no known word" in third["notes"]["encoder"][0]
    assert third["spearman"]["starter"] is not None


def vectors_event(cli: Cli, *arguments: str) -> dict[str, Any]:
    """What the last run's event `vectors` says; empty where there is none."""
    scored(cli, *arguments)
    with sqlite3.connect(cli.workspace / "syncse.db") as connection:
        rows = connection.execute(
            "SELECT data FROM event WHERE kind = 'vectors' AND run_id = (SELECT id FROM run ORDER BY rowid DESC LIMIT 1)"
        ).fetchall()
    return dict(json.loads(rows[0][0])) if rows else {}


def test_a_second_run_computes_nothing_and_changed_weights_compute_all(
    cli: Cli, tiny_encoder: Path, tmp_path: Path
) -> None:
    first = vectors_event(cli, str(tiny_encoder))
    assert first["cached"] == 0
    assert first["computed"] > 500
    copy = Path(shutil.copytree(tiny_encoder, tmp_path / "elsewhere" / "another name"))
    assert vectors_event(cli, str(copy)) == {"cached": first["computed"], "computed": 0}
    assert vectors_event(cli, str(tiny_encoder), "--pooling", "cls_before_pooler") == first
    weights = load_file(copy / "model.safetensors")
    weights["embeddings.word_embeddings.weight"] = weights["embeddings.word_embeddings.weight"] + 0.1
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert vectors_event(cli, str(copy)) == first
    assert vectors_event(cli, str(tiny_encoder), "--no-cache") == {}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p / "tokenizer.json").unlink(), "Tokenizer missing"),
        (lambda p: _nan(p / "model.safetensors"), "Broken weights"),
        (lambda p: _edit(p / "config.json", {"auto_map": {"AutoModel": "code.Model"}}), "Encoder wants to run code"),
    ],
)
def test_an_unusable_encoder_ends_with_a_clear_error(
    cli: Cli, tiny_encoder: Path, tmp_path: Path, spoil: Any, says: str
) -> None:
    copy = Path(shutil.copytree(tiny_encoder, tmp_path / "copy"))
    spoil(copy)
    done = cli("eval", str(copy), "--tasks", "starter", "--device", "cpu")
    assert done.returncode == ExitCode.PREFLIGHT
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def _nan(path: Path) -> None:
    weights = load_file(path)
    weights["embeddings.word_embeddings.weight"] = weights["embeddings.word_embeddings.weight"] * np.float32("nan")
    save_file(weights, path, metadata={"format": "pt"})


def _edit(path: Path, change: dict[str, Any]) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def test_a_file_that_is_not_the_published_one_is_said_in_table_and_json(
    cli: Cli, tiny_encoder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "senteval" / "downstream" / "STS" / "STSBenchmark"
    folder.mkdir(parents=True)
    rows = "".join(f"n\tf\t2012\t{n}\t{n}.0\ta man\tthe man {'is ' * n}\n" for n in range(5))
    (folder / "sts-dev.csv").write_text(rows)
    given = [str(tiny_encoder), "--senteval", str(tmp_path / "senteval"), "--tasks", "STSB-dev", "--device", "cpu"]
    told = "STSB-dev: not SentEval's file: sts-dev.csv (sha256 "
    assert told in cli("eval", *given).stdout
    result = json.loads(cli("eval", *given, "--json").stdout.splitlines()[-1])["result"]
    assert result["complete"] == {"STSB-dev": False}
    assert any("5 scored pairs where the published set has 1500" in note for note in result["notes"]["STSB-dev"])
    assert any(note.startswith("not SentEval's file") for note in result["notes"]["STSB-dev"])


@pytest.mark.parametrize("wrong", [("--max-length", "1"), ("--cache-mb", "-5"), ("--pooling", "magic")])
def test_wrong_numbers_are_wrong_usage(cli: Cli, tiny_encoder: Path, wrong: tuple[str, str]) -> None:
    assert cli("eval", str(tiny_encoder), *wrong).returncode == ExitCode.USAGE


def test_an_encoders_own_ways_are_said_and_its_prompts_cached_apart(
    cli: Cli, tiny_encoder: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(tiny_encoder, tmp_path / "copy"))
    kinds = (("", "Transformer"), ("1_Pooling", "Pooling"))
    modules = [{"path": place, "type": f"sentence_transformers.models.{kind}"} for place, kind in kinds]
    (copy / "modules.json").write_text(json.dumps(modules))
    (copy / "1_Pooling").mkdir()
    (copy / "1_Pooling" / "config.json").write_text(json.dumps({"include_prompt": False}))
    ways = {"truncate_dim": 8, "similarity_fn_name": "dot", "default_prompt_name": "q"}
    prompts = {"q": "some dog ", "query": "the man: ", "document": "the train: "}
    (copy / "config_sentence_transformers.json").write_text(json.dumps({**ways, "prompts": prompts}))
    settings = scored(cli, str(copy))["settings"]
    assert (settings["prompt"], settings["dimension"]) == ("some dog ", 8)
    assert settings["similarity"] == "dot"
    rows = [{"query": f"a dog {n}", "positive": [f"a dog {n}"], "negative": ["rain", f"a car {n}"]} for n in range(4)]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ranked = ("--reranking", str(tmp_path), "--tasks", "mine.jsonl", "--device", "cpu", "--json")
    results = [json.loads(cli("eval", str(copy), *ranked).stdout.splitlines()[-1])["result"] for _ in range(2)]
    assert results[0]["scores"] == results[1]["scores"]
    assert any("own similarity, dot" in note for note in results[0]["notes"]["mine.jsonl"])
    with sqlite3.connect(cli.workspace / "syncse.db") as connection:
        told = [json.loads(row[0]) for row in connection.execute("SELECT data FROM event WHERE kind = 'vectors'")]
    assert told[1:] == [
        {"cached": 0, "computed": 4}, {"cached": 0, "computed": 9},
        {"cached": 4, "computed": 0}, {"cached": 9, "computed": 0},
    ]  # fmt: skip


def test_cls_is_for_an_encoder_that_has_a_head(cli: Cli, tiny_encoder: Path, tmp_path: Path) -> None:
    """SynCSE's own checkpoints bring one beside the encoder; BERT's pooler is taken as SimCSE takes it; else exit 4."""
    copy = Path(shutil.copytree(tiny_encoder, tmp_path / "copy"))
    weights = {name: array for name, array in load_file(copy / "model.safetensors").items() if "pooler" not in name}
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    done = cli("eval", str(copy), "--pooling", "cls", "--tasks", "starter", "--device", "cpu")
    assert done.returncode == ExitCode.PREFLIGHT
    assert "has no head on [CLS]" in done.stderr
    rng = np.random.default_rng(0)
    head = {"mlp.dense.weight": rng.normal(size=(32, 32)).astype("f4"), "mlp.dense.bias": np.ones(32, "f4")}
    save_file({**weights, **head}, copy / "model.safetensors", metadata={"format": "pt"})
    own, asked = scored(cli, str(copy)), scored(cli, str(copy), "--pooling", "cls")
    assert own["spearman"] == asked["spearman"]
    assert "SimCSE's head" in own["notes"]["encoder"][0]
    assert scored(cli, str(copy), "--pooling", "cls_before_pooler")["spearman"] != own["spearman"]
