"""Shards, mixed recipes and several generators as a user would run them, and their workspaces merged."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from syncse_local.api import Workspace
from syncse_local.errors import ExitCode
from syncse_local.paths import starter_llm
from tests.conftest import Cli

RECIPE = """
mode = "{mode}"
shots = 0
sentences_per_call = 1
topics_per_call = 2
sentence_shots = 0
sentence_contexts = 1000
sentence_turn = "system"
{more}
[pools]
positive = "starter-positive"
negative = "starter-negative"
sentence = "starter-sentence"
[sampling.positive]
max_tokens = 24
[sampling.negative]
max_tokens = 24
[sampling.sentence]
max_tokens = 24
"""


def recipe(folder: Path, mode: str, more: str = "") -> str:
    path = folder / "mine.toml"
    head, _, tables = RECIPE.partition("[pools]")
    generators = more[more.find("[[") :] if "[[" in more else ""
    keys = more[: more.find("[[")] if generators else more
    path.write_text(head.format(mode=mode, more=keys) + "[pools]" + tables + generators, encoding="utf-8")
    return str(path)


def generated(cli: Cli, *arguments: str) -> dict[str, Any]:
    done = cli("generate", "--threads", "1", *arguments, "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows(workspace: Path, run: str = "%") -> list[tuple[Any, ...]]:
    query = """SELECT r.key, p.ordinal, p.role, p.sample, s.text FROM plan AS p JOIN request AS r ON r.id = p.request_id
               LEFT JOIN sentence AS s ON s.id = p.sentence_id WHERE p.run_id LIKE ?"""
    with sqlite3.connect(workspace / "syncse.db") as connection:
        return sorted(connection.execute(query, (run,)))


def test_merged_shards_are_the_unsharded_run(cli: Cli, tmp_path: Path, sentences: Path) -> None:
    generated(cli, str(sentences), "--limit", "30")
    shards = [tmp_path / f"shard-{i}" for i in (1, 2)]
    for i, shard in enumerate(shards, 1):
        generated(cli, str(sentences), "--limit", "30", "--shard", f"{i}/2", "-w", str(shard))
    merged = tmp_path / "merged"
    names = [str(shard) for shard in shards]
    dry = cli("merge", str(merged), *names, "--dry-run", "--json")
    assert (dry.returncode, merged.exists()) == (0, False)
    done = cli("merge", str(merged), *names, "--json")
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [{**line, "dry_run": False} for line in map(json.loads, dry.stdout.splitlines())] == told
    assert sum(line["new"]["request"] for line in told) == 60
    assert rows(merged) == rows(cli.workspace)
    assert not set(rows(shards[0])) & set(rows(shards[1]))
    again = generated(cli, str(sentences), "--limit", "30", "-w", str(merged))  # asks the engine for nothing
    with sqlite3.connect(merged / "syncse.db") as connection:
        assert connection.execute("SELECT count(*) FROM response").fetchone()[0] == 60
    assert again["result"]["answered"] == 60
    shown = cli("show", "g", "-w", str(shards[0]))
    assert shown.returncode == 0, shown.stderr


def test_a_mixed_recipe_adds_written_sentences(cli: Cli, tmp_path: Path, sentences: Path) -> None:
    mine = recipe(tmp_path, "mixed", "scratch_share = 0.25")
    arguments = (str(sentences), "--recipe", mine, "--limit", "12")
    run = generated(cli, *arguments)["run"]
    found = rows(cli.workspace, run)
    pairs = [row for row in found if row[2] == "positive"]
    assert len([row for row in found if row[2] == "sentence"]) >= 4
    assert len(pairs) == 16
    given = sentences.read_text(encoding="utf-8").splitlines()[:12]
    assert sum(row[4] in given for row in pairs) == 12

    partial = generated(cli, str(sentences), "--recipe", recipe(tmp_path, "partial"), "--limit", "12")["run"]
    assert {row[0] for row in rows(cli.workspace, partial)} < {row[0] for row in found}


def test_shards_of_a_scratch_recipe_write_what_the_whole_would(cli: Cli, tmp_path: Path) -> None:
    mine = recipe(tmp_path, "scratch")
    runs = [generated(cli, "--recipe", mine, "--count", "10", "--shard", f"{i}/2")["run"] for i in (1, 2)]
    found = [rows(cli.workspace, run) for run in runs]
    calls = [{row[1] for row in part if row[2] == "sentence"} for part in found]
    assert not calls[0] & calls[1]
    assert set(range(10)) <= calls[0] | calls[1]
    assert sum(row[2] == "positive" for part in found for row in part) == 10


def test_each_generator_writes_its_own_rows(cli: Cli, tmp_path: Path, sentences: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(starter_llm().read_bytes())
    more = '\n[[generators]]\nname = "one"\nweight = 3\n[[generators]]\nname = "two"\nmodel = "./other.gguf"\n'
    mine = recipe(tmp_path, "partial", more)
    arguments = (str(sentences), "--recipe", mine, "--limit", "20")
    done = cli("generate", *arguments, "--json")
    assert done.returncode == ExitCode.USAGE
    assert "--generator" in json.loads(done.stdout)["error"]["hint"]
    runs = [generated(cli, *arguments, "--generator", name)["run"] for name in ("one", "two")]
    found = [{(row[2], row[4]) for row in rows(cli.workspace, run)} for run in runs]
    assert not found[0] & found[1]
    assert len(found[0] | found[1]) == 40
    assert len(found[0]) > len(found[1]) > 0
    options = json.loads(cli("show", runs[1], "--json").stdout)["options"]
    assert (options["generator"], options["model"]) == ("two", str(other))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("generate", "INPUT", "--shard", "0/3"), ExitCode.USAGE),
        (("run", "INPUT", "--shard", "4/3"), ExitCode.USAGE),
        (("generate", "INPUT", "--generator", "x"), ExitCode.USAGE),
        (("generate", "INPUT", "--limit", "1", "--shard", "500/1000"), ExitCode.NOTHING),
        (("merge", "DEST"), ExitCode.USAGE),
        (("merge", "DEST", "EMPTY", "-w", "DEST"), ExitCode.USAGE),
        (("merge", "DEST", "nowhere"), ExitCode.PREFLIGHT),
        (("merge", "DEST", "DEST"), ExitCode.PREFLIGHT),
        (("merge", "DEST", "EMPTY"), ExitCode.NOTHING),
    ],
)
def test_mistakes_are_one_clear_error(
    cli: Cli, tmp_path: Path, sentences: Path, arguments: tuple[str, ...], code: ExitCode
) -> None:
    real = {"INPUT": str(sentences), "DEST": str(tmp_path / "dest"), "EMPTY": str(tmp_path / "empty")}
    if "EMPTY" in arguments:
        Workspace(tmp_path / "empty").close()
    done = cli(*(real.get(word, word) for word in arguments), "--json")
    assert done.returncode == code, (done.stdout, done.stderr)
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert error["detail"]
    assert error["hint"]
    assert not (tmp_path / "dest").exists() or "EMPTY" in arguments
