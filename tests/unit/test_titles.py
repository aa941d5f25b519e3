"""A run's title says model, recipe and seed; a trained encoder is called after what it was trained on."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from syncse_local.store import runs
from syncse_local.store.database import connect
from syncse_local.store.runs import Run
from syncse_local.store.titles import Titles, place_name

GENERATED = {"model": "/m/qwen2.5-7b-00001-of-00002.gguf", "recipe": {"name": "syncse-partial", "seed": 1}}


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "w.db")


def made(connection: sqlite3.Connection, kind: str, options: dict[str, Any], name: str = "") -> Run:
    """A finished run with these options."""
    run = runs.create(connection, kind, options, name)
    runs.move(connection, run.id, "queued", "running")
    runs.finish(connection, run.id, "done")
    return runs.get(connection, run.id)


def test_the_way_from_a_model_to_a_comparison_keeps_its_name(connection: sqlite3.Connection) -> None:
    titles = Titles(connection)
    written = made(connection, "generate", GENERATED, "generate 5f6e7d8c")
    assert titles.of(written) == "qwen2.5-7b x syncse-partial, seed 1"
    options = {"encoder": "/m/MiniLM", "output": "/w/encoder-1128", "runs": [written.id], "training": {"seed": 2}}
    trained = made(connection, "train", options, "encoder-1128-003030")
    assert titles.of(trained) == "MiniLM + qwen2.5-7b x syncse-partial, seed 2"
    scored = made(connection, "eval", {"encoder": "/w/encoder-1128"})
    assert titles.of(scored) == titles.of(trained)
    base = made(connection, "eval", {"encoder": "/m/MiniLM"}, "the base")
    assert titles.of(base) == "the base: MiniLM"
    arms = [{"name": "encoder-1128", "runs": [scored.id]}, {"name": "mine", "runs": [base.id]}]
    compared = made(connection, "compare", {"arms": arms})
    assert titles.of(compared) == "MiniLM + qwen2.5-7b x syncse-partial, seed 2 vs mine"


def test_the_seed_of_the_triplets_is_said_where_it_is_not_the_usual_one(connection: sqlite3.Connection) -> None:
    written = made(connection, "generate", {**GENERATED, "recipe": {"name": "naive", "seed": 3}})
    trained = made(connection, "train", {"encoder": "/m/E", "runs": [written.id], "training": {}})
    assert Titles(connection).of(trained) == "E + qwen2.5-7b x naive, seed 3, seed 42"


def test_an_encoder_trained_on_a_trained_encoder_and_a_circle_end(connection: sqlite3.Connection) -> None:
    made(connection, "train", {"encoder": "/m/E", "output": "/w/one", "data": "/d/a.csv", "training": {"seed": 1}})
    second = {"encoder": "/w/one", "output": "/w/two", "data": "/d/b.csv", "training": {"seed": 1}}
    assert Titles(connection).of(made(connection, "train", second)) == "(E + a, seed 1) + b, seed 1"
    made(connection, "train", {"encoder": "/w/x", "output": "/w/x", "data": "/d/c", "training": {"seed": 1}})
    assert Titles(connection).of(made(connection, "eval", {"encoder": "/w/x"})).startswith("x + c")


@pytest.mark.parametrize("options", [{}, {"recipe": 3, "model": None}, {"arms": "no"}, {"runs": 7, "encoder": {}}])
@pytest.mark.parametrize("kind", ["generate", "train", "eval", "compare", "report", "filter"])
def test_options_of_any_shape_have_a_title(connection: sqlite3.Connection, kind: str, options: dict[str, Any]) -> None:
    assert Titles(connection).of(made(connection, kind, options))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/8b3219a", "all-MiniLM-L6-v2"),
        ("/m/Llama-3.gguf", "Llama-3"),
        ("meta-llama/Llama-3.1-8B", "Llama-3.1-8B"),
        ("", "?"),
        ("/", "/"),
    ],
)
def test_a_model_is_named_after_its_file_or_repository(path: str, name: str) -> None:
    assert place_name(path) == name
