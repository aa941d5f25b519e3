"""A train run's card and record against the store they come from, and the scores that come later."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from syncse_local.api import Workspace
from syncse_local.encoders.transformer import Encoder
from syncse_local.errors import ExitCode
from syncse_local.paths import starter_llm
from tests.conftest import Cli

SMALL = ("--batch-size", "8", "--max-steps", "3", "--eval-every", "2", "--pooling", "avg", "--device", "cpu")


def test_the_card_of_a_run_on_generated_triplets(cli: Cli, sentences: Path, tiny_encoder: Path) -> None:
    made = cli("generate", str(sentences), "--limit", "24", "--json")
    assert made.returncode == 0, made.stderr
    trained = cli("train", "--from", "g", "--encoder", str(tiny_encoder), "--name", "my|*model*", *SMALL, "--json")
    assert trained.returncode == 0, trained.stderr
    result = json.loads(trained.stdout.splitlines()[-1])["result"]
    output = Path(result["output"])
    card = (output / "README.md").read_text(encoding="utf-8")
    record = json.loads((output / "syncse.json").read_text(encoding="utf-8"))
    with Workspace(cli.workspace) as workspace:
        (generated,) = (run for run in workspace.runs() if run.kind == "generate")
        accepted = workspace.counts(generated.id)["triplets"]
    (source,) = record["data"]
    assert source["rows"] == result["triplets"] == accepted - result["contaminated"]
    assert source["counts"]["triplets"] == accepted
    (generator,) = source["generators"]
    assert generator["model_sha256"] == hashlib.sha256(starter_llm().read_bytes()).hexdigest()
    assert "CC BY-SA 4.0" in generator["licence"]
    for known in (generated.id, generator["model_sha256"], source["plan_hash"], generated.options["recipe_hash"]):
        assert len(known) >= 12
        assert known in card
    assert generated.options["input_sha256"] in card
    assert "my\\u007c*model*" in card
    low, high = result["intervals"]["starter-dev"]
    assert low < result["best_score"] < high
    assert f"{100 * low:.2f} to {100 * high:.2f}" in card

    from sentence_transformers import SentenceTransformer

    texts = ["A man is playing a guitar.", "Rain."]
    theirs = SentenceTransformer(str(output), device="cpu").encode(texts)
    assert np.abs(Encoder.load(output).encode(texts) - theirs).max() < 1e-5

    assert_no_place(output, sentences, tiny_encoder, cli.workspace)

    assert "`starter`" not in card.split("## Figures")[1]
    scored = cli("eval", str(output), "--tasks", "starter", "--device", "cpu", "--json")
    assert scored.returncode == 0, scored.stderr
    assert cli("card", "t", "--write").returncode == 0
    again = (output / "README.md").read_text(encoding="utf-8")
    assert_no_place(output, sentences, tiny_encoder)
    assert "| `starter` | `spearman` |" in again
    assert cli("card", "t").stdout == again
    assert json.loads(cli("card", "t", "--json").stdout)["scores"]


def assert_no_place(output: Path, *places: Path) -> None:
    """Nothing that was saved says where it or what it was made of lay; the names alone stand in the card."""
    for file in output.rglob("*"):
        if file.suffix in (".json", ".md", ".txt", ".jinja"):
            text = file.read_text(encoding="utf-8")
            assert not any(str(place.parent) in text for place in (output, starter_llm(), *places)), file
    card = (output / "README.md").read_text(encoding="utf-8")
    for place in (starter_llm(), *places[:2]):
        assert f"`{place.name}`" in card


@pytest.mark.parametrize(("run", "code"), [("g", ExitCode.NOTHING), ("zz", ExitCode.USAGE)])
def test_no_card_without_a_trained_encoder(cli: Cli, run: str, code: ExitCode) -> None:
    with Workspace(cli.workspace) as workspace:
        from syncse_local.store import runs

        runs.create(workspace.connection, "generate", {})
    done = cli("card", run, "--json")
    assert done.returncode == code
    assert json.loads(done.stdout)["error"]["hint"]


def test_dropout_pairs_of_a_file_are_a_source_of_their_own(cli: Cli, sentences: Path, tiny_encoder: Path) -> None:
    lines = sentences.read_text(encoding="utf-8").splitlines()
    sentences.write_text("\n".join([*lines, *lines[:5]]) + "\n", encoding="utf-8")
    options = ("--encoder", str(tiny_encoder), *SMALL, "--select", "none")
    done = cli("train", "--unsupervised", str(sentences), *options, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])["result"]
    assert result["triplets"] == 40 - result["contaminated"]  # the five repeats count once
    assert result["best_score"] is None
    card = (Path(result["output"]) / "README.md").read_text(encoding="utf-8")
    assert "sentences, each its own positive" in card
    both = cli("train", "--unsupervised", str(sentences), "--data", str(sentences), "--json")
    assert both.returncode == ExitCode.USAGE


def test_rows_that_are_no_triplet_are_counted_everywhere(cli: Cli, tmp_path: Path, tiny_encoder: Path) -> None:
    path, long = tmp_path / "mixed.csv", "word " * 500
    rows = [f"the man {n},a man {n},no man {n}" for n in range(6)]
    rows += ["a dog,dog,", "a cat,,no cat", f"a car,{long},", f"{long},b,c", rows[0], "anchor,positive,negative"]
    path.write_text("\n".join(["anchor,positive,negative", *rows]), encoding="utf-8")
    trained = cli("train", "--data", str(path), "--encoder", str(tiny_encoder), *SMALL, "--json")
    assert trained.returncode == 0, trained.stderr
    lines = [json.loads(line) for line in trained.stdout.splitlines()]
    counts = {"incomplete": 3, "too_long": 2, "duplicate": 1, "repeated_header": 1}
    (told,) = (line["data"] for line in lines if line.get("event") == "training")
    result = lines[-1]["result"]
    assert told["triplets"] == result["triplets"] == 6
    assert told["left_out"] == result["left_out"] == counts
    assert told["rows_left_out"] == result["rows_left_out"] == 6
    card = (Path(result["output"]) / "README.md").read_text(encoding="utf-8")
    assert "| rows left out | `incomplete` 3, `too_long` 2, `duplicate` 1, `repeated_header` 1 |" in card


def test_a_file_without_negatives_is_refused_before_a_run(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("anchor,positive,bad\na,b,c\n", encoding="utf-8")
    refused = cli("train", "--data", str(path), "--json")
    assert refused.returncode == ExitCode.USAGE
    assert "'bad'" in json.loads(refused.stdout.splitlines()[-1])["error"]["detail"]
    assert not list((cli.workspace / "runs").glob("*"))
