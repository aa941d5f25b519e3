"""`syncse report` on real runs: tables, JSON, charts, and the mistakes a user can make."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from syncse_local.errors import ExitCode
from tests.conftest import Cli


def _last(cli: Cli, *arguments: str) -> dict[str, Any]:
    done = cli(*arguments, "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_report_of_two_runs(cli: Cli, sentences: Path, tmp_path: Path) -> None:
    given = _last(cli, "generate", str(sentences), "--samples", "3")["run"]
    written = _last(cli, "generate", "--recipe", "starter-scratch", "--count", "40")["run"]
    asked = ("report", given, written, "--encoder", "starter-encoder")
    first = _last(cli, *asked)
    report = first["result"]
    assert [run["run"] for run in report["runs"]] == [given, written]
    counts = _last(cli, "show", given)["result"]
    told = report["runs"][0]
    assert (told["answered"], told["accepted"], told["triplets"], told["failures"], told["contaminated"]) == (
        counts["answered"], counts["accepted"], counts["triplets"], counts["failures"], counts["contaminated"],
    )  # fmt: skip
    assert told["seconds_per_triplet"] > 0
    assert told["tokens_per_triplet"] > 1
    for run in report["runs"]:
        for field in run["groups"]["field"]:
            assert field["sampled"] == report["sampled"]["field"] >= 20
            assert 0 < field["distinct_1"] < field["distinct_2"] <= 1
            assert 0 < field["self_bleu"] < 1
            assert 1 < field["vendi"] <= field["sampled"]
            assert -1 < field["mean_cosine"] < 1
        for kind in ("prompt", "draw"):
            for role in ("positive", "negative"):
                groups = [group for group in run["groups"][kind] if group["role"] == role]
                assert sum(group["triplets"] for group in groups) == run["triplets"]
    assert {group["name"] for group in told["groups"]["prompt"]} >= {"paraphrase", "contrast"}
    assert report["runs"][1]["groups"]["genre"]
    assert report["runs"][1]["groups"]["topic"]
    assert _last(cli, *asked)["result"] == report, "the same rows, the same report"

    picture = tmp_path / "report.svg"
    shown = cli("report", first["run"], "--charts", "--svg", str(picture), "--by", "genre", "--rows", "2")
    assert shown.returncode == 0, shown.stderr
    assert f"{told['contaminated']} of {told['triplets']} triplets match an evaluation set" in shown.stdout
    assert "self-BLEU" in shown.stdout
    assert "more genres are not shown" in shown.stdout
    assert "█" in shown.stdout
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")
    assert cli("report", first["run"], "--svg", str(picture)).returncode == ExitCode.USAGE
    assert "distinct-2" in cli("show", first["run"]).stdout


def test_mistakes_are_one_clear_error(cli: Cli, sentences: Path, tmp_path: Path) -> None:
    run_id = _last(cli, "generate", str(sentences), "--limit", "12", "--samples", "2")["run"]
    report = _last(cli, "report", run_id)
    assert report["result"]["runs"][0]["groups"]["field"][0]["vendi"] is None
    for arguments, code in (
        (("x1",), ExitCode.USAGE),
        ((report["run"], run_id), ExitCode.USAGE),
        ((run_id, "--sample", "3"), ExitCode.USAGE),
        ((run_id, "--by", "prmpt"), ExitCode.USAGE),
        ((run_id, "--encoder", "./nowhere"), ExitCode.PREFLIGHT),
        ((run_id, "--senteval", "./nowhere"), ExitCode.PREFLIGHT),
        ((report["run"], "--svg", str(tmp_path / "no" / "where.svg")), ExitCode.PREFLIGHT),
    ):
        done = cli("report", *arguments)
        assert done.returncode == code, (arguments, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_run_without_triplets_is_no_success(cli: Cli, sentences: Path) -> None:
    run_id = _last(cli, "generate", str(sentences), "--limit", "12", "--samples", "2")["run"]
    strict = ("form.min_letters=1", "lexical.max_overlap=0", "length.min_ratio=1", "length.max_ratio=1")
    done = cli("filter", run_id, *(word for text in strict for word in ("--set", text)))
    assert done.returncode == 0, done.stderr
    done = cli("report", run_id)
    assert done.returncode == ExitCode.NOTHING, (done.stdout, done.stderr)
    assert cli("report", run_id, "--unfiltered").returncode == 0
