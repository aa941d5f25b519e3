"""Filters, re-parsing, the gate and recipes on a real run, as a user would use them."""

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from syncse_local.errors import ExitCode
from syncse_local.paths import starter_encoder, starter_sts
from tests.conftest import Cli

PLANTED = [line.split("\t")[2] for line in starter_sts().read_text(encoding="utf-8").splitlines()[1:11]]


@pytest.fixture
def planted(sentences: Path) -> Path:
    """Forty sentences, ten of them from the starter STS set."""
    lines = sentences.read_text(encoding="utf-8").splitlines()
    sentences.write_text("\n".join([*PLANTED, *lines[10:]]) + "\n", encoding="utf-8")
    return sentences


@pytest.fixture
def run_id(cli: Cli, planted: Path) -> str:
    """A finished run over these, 4 samples a sentence."""
    done = cli("generate", str(planted), "--samples", "4", "--json")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout.splitlines()[-1])["run"])


def _json(cli: Cli, *arguments: str) -> dict[str, Any]:
    done = cli(*arguments, "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _exported(cli: Cli, run_id: str, path: Path, *flags: str) -> list[dict[str, str]]:
    done = cli("export", run_id, str(path), "--force", *flags)
    assert done.returncode == 0, done.stderr
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_filters_come_and_go_without_generating(cli: Cli, run_id: str, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    everything = _exported(cli, run_id, path)
    strict = ("--set", "lexical.max_overlap=0.6")
    dry = _json(cli, "filter", run_id, *strict, "--dry-run")
    assert 0 < dry["dropped"] == dry["triplets"] - dry["kept"]
    assert _exported(cli, run_id, path) == everything
    assert _json(cli, "show", run_id)["filters"] is None

    applied = _json(cli, "filter", run_id, *strict)
    assert {**applied, "dry_run": True} == dry
    filtered = _exported(cli, run_id, path)
    assert len(filtered) == applied["kept"] < len(everything)
    assert _exported(cli, run_id, path, "--unfiltered") == everything
    full = _exported(cli, run_id, path, "--full")
    assert sum(row["accepted"] == "1" and not row["dropped_by"] for row in full) == applied["kept"]
    shown = _json(cli, "show", run_id)["filters"]
    assert (shown["kept"], shown["judged"]) == (applied["kept"], applied["triplets"])
    assert f"{applied['kept']} kept of {applied['triplets']}" in cli("show", run_id).stdout

    again = _json(cli, "filter", run_id, *strict)
    assert (again["dropped"], again["restored"], again["kept"]) == (0, 0, applied["kept"])
    loose = _json(cli, "filter", run_id, "--set", "lexical.max_overlap=1")
    assert loose["restored"] > 0
    with sqlite3.connect(cli.workspace / "syncse.db") as connection:
        assert connection.execute("SELECT count(*) FROM response").fetchone()[0] == 320
        assert connection.execute("SELECT count(*) FROM filtering").fetchone()[0] == 3


def test_an_encoders_cosines_are_measured_once(cli: Cli, run_id: str) -> None:
    encoder = ("--set", f"cosine.encoder={starter_encoder()}")
    first = _json(cli, "filter", run_id, *encoder, "--set", "cosine.max_negative=0.99")
    assert {"positive_cosine", "margin", "false_negative"} <= set(first["filters"])
    assert first["unmeasured"] == 0
    _json(cli, "filter", run_id, *encoder, "--set", "cosine.max_negative=0.5")
    kinds = [json.loads(line)["kind"] for line in cli("runs", "--json").stdout.splitlines()]
    assert kinds.count("filter") == 1


def test_an_evaluation_sentence_in_the_input_is_left_out_of_training(cli: Cli, run_id: str, tmp_path: Path) -> None:
    assert json.loads(cli("show", run_id, "--json").stdout)["result"]["contaminated"] > 0
    accepted = _exported(cli, run_id, tmp_path / "all.csv")
    matched = [row for row in accepted if row["sent0"] in PLANTED]
    small = ("--from", run_id, "--epochs", "1", "--batch-size", "16", "--dev")
    left = _json(cli, "train", *small)["result"]
    assert left["contaminated"] >= len(matched) > 0
    assert left["triplets"] == len(accepted) - left["contaminated"]
    assert not left["contaminated_kept"]
    assert {"starter", "starter-dev"} <= set(left["contamination_checked"])
    provenance = json.loads((Path(left["output"]) / "syncse.json").read_text(encoding="utf-8"))
    assert provenance["result"]["contaminated"] == left["contaminated"]
    assert f"contaminated {left['contaminated']}" in cli("show", "t").stdout

    kept = _json(cli, "train", *small, "--keep-contaminated")["result"]
    assert (kept["triplets"], kept["contaminated_kept"]) == (len(accepted), True)
    flagged = _json(cli, "filter", run_id)["filters"]["contamination"]
    assert flagged["flag"] == left["contaminated"]


def test_what_an_encoder_finds_near_an_evaluation_sentence_is_left_out_too(cli: Cli, run_id: str) -> None:
    near = ("--set", f"contamination.encoder={starter_encoder()}", "--set")
    exact = _json(cli, "filter", run_id)["filters"]["contamination"]["flag"]
    found = _json(cli, "filter", run_id, *near, "contamination.max_cosine=0.9")
    flagged = found["filters"]["contamination"]["flag"]
    assert found["triplets"] > flagged > exact > 0
    assert found["unmeasured"] == 0
    left = _json(cli, "train", "--from", run_id, "--max-steps", "1", "--batch-size", "4", "--dev", "--unfiltered")[
        "result"
    ]
    assert (left["contaminated"], left["triplets"]) == (flagged, found["triplets"] - flagged)
    again = _json(cli, "filter", run_id, *near, "contamination.max_cosine=0.99")["filters"]["contamination"]["flag"]
    assert exact <= again < flagged
    kinds = [json.loads(line)["kind"] for line in cli("runs", "--json").stdout.splitlines()]
    assert kinds.count("filter") == 1


def test_an_imported_evaluation_sentence_is_left_out_too(cli: Cli, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    rows = ["anchor,positive,negative", f'x,"{PLANTED[0]}",y'] + [
        f"anchor {i},positive {i},negative {i}" for i in range(6)
    ]
    data.write_text("\n".join(rows) + "\n", encoding="utf-8")
    result = _json(cli, "train", "--data", str(data), "--max-steps", "1", "--batch-size", "4", "--dev")["result"]
    assert (result["contaminated"], result["triplets"]) == (1, 6)


def test_reparsing_lists_and_then_takes(cli: Cli, run_id: str) -> None:
    done = cli("reparse", run_id, "--json")
    assert done.returncode == ExitCode.NOTHING
    before = _json(cli, "filter", run_id)["triplets"]
    with sqlite3.connect(cli.workspace / "syncse.db") as connection:  # as an earlier parser might have left it
        connection.execute("UPDATE parse SET version = 0")
        connection.execute("UPDATE parse SET text = '\x1b[31mhalf' WHERE failure IS NULL")
    dry = cli("reparse", run_id, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "another text" in dry.stdout
    assert "\x1b" not in dry.stdout
    taken = _json(cli, "reparse", run_id)
    assert taken["differ"] == taken["changes"]["another text"] > 0
    assert taken["filters_outdated"] == [run_id]
    assert cli("reparse", run_id).returncode == ExitCode.NOTHING
    assert _json(cli, "filter", run_id)["triplets"] == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("filter", "RUN", "--set", "lexical.max_overlp=1"), ExitCode.USAGE),
        (("filter", "RUN", "--set", "max_overlap"), ExitCode.USAGE),
        (("filter", "RUN", "--recipe", "startr"), ExitCode.USAGE),
        (("filter", "RUN", "--set", "cosine.encoder=./nowhere"), ExitCode.PREFLIGHT),
        (("filter", "x9"), ExitCode.USAGE),
        (("recipes", "show", "startr"), ExitCode.USAGE),
        (("recipes", "check", "./nowhere.toml"), ExitCode.USAGE),
        (("recipes", "new", "mine"), ExitCode.USAGE),
    ],
)
def test_mistakes_are_one_clear_error(cli: Cli, sentences: Path, arguments: tuple[str, ...], code: ExitCode) -> None:
    if arguments[0] == "filter":
        cli("generate", str(sentences), "--limit", "2", "--detach")
    done = cli(*("g" if word == "RUN" else word for word in arguments), "--json")
    assert done.returncode == code, (done.stdout, done.stderr)
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert error["detail"]
    assert error["hint"]


def test_recipes_list_show_new_and_check(cli: Cli, tmp_path: Path) -> None:
    listed = [json.loads(line)["name"] for line in cli("recipes", "--json").stdout.splitlines()]
    assert {"starter", "starter-scratch", "syncse-partial", "syncse-scratch", "naive", "domain"} <= set(listed)
    assert "topics_per_call" in cli("recipes", "show", "domain").stdout
    mine = str(tmp_path / "mine.toml")
    assert len(_json(cli, "recipes", "new", mine, "--from", "domain")["files"]) == 3
    assert _json(cli, "recipes", "check", mine)["topics"] == 37
    Path(mine).write_text(Path(mine).read_text(encoding="utf-8") + "\n[filters.lenght]\n", encoding="utf-8")
    done = cli("recipes", "check", mine)
    assert done.returncode == ExitCode.USAGE
    assert 'Did you mean "length"?' in done.stderr
