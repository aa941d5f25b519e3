"""`syncse calibrate`, `compare` and `results` with real trainings and evaluations of a tiny encoder, in workers."""

import json
import random
import time
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from syncse_local.api import Workspace
from syncse_local.errors import ExitCode
from syncse_local.store import predictions
from tests.conftest import Cli
from tests.jobs.helpers import PATIENCE

WORDS = "the man dog train rain red car green is was play guitar not some one every".split()
TRAIN = ("--pooling", "avg", "--batch-size", "8", "--max-steps", "4", "--learning-rate", "1e-3", "--device", "cpu")


def sentence(rng: random.Random) -> str:
    return " ".join(rng.sample(WORDS, 6)) + "."


@pytest.fixture(scope="module")
def senteval(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """STS-B with 60 pairs whose gold is the share of words in common."""
    root = tmp_path_factory.mktemp("senteval")
    folder = root / "downstream" / "STS" / "STSBenchmark"
    folder.mkdir(parents=True)
    rng, lines = random.Random(3), []
    for number in range(60):
        first, second = sentence(rng), sentence(rng)
        gold = 5 * len(set(first.split()) & set(second.split())) / 6
        lines.append(f"main-captions\tMSRvid\t2012test\t{number}\t{gold:.3f}\t{first}\t{second}\n")
    (folder / "sts-test.csv").write_text("".join(lines), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def human(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "human.csv"
    rng = random.Random(4)
    rows = [",".join(sentence(rng) for _ in range(3)) for _ in range(40)]
    path.write_text("\n".join(["sent0,sent1,hard_neg", *rows]) + "\n", encoding="utf-8")
    return path


def test_from_seeds_to_verdicts_and_tables(
    cli: Cli, tiny_encoder: Path, senteval: Path, human: Path, tmp_path: Path
) -> None:
    tasks = ("--senteval", str(senteval), "--tasks", "STSB", "starter")
    given = ("--data", str(human), "--encoder", str(tiny_encoder), "--seeds", "2", "--dev", *TRAIN, *tasks)
    left = cli("calibrate", *given, "--detach", "--json")
    assert left.returncode == ExitCode.OK, left.stderr
    said, deadline = Path(json.loads(left.stdout)["log"]), time.monotonic() + PATIENCE
    while "widest difference" not in said.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline, said.read_text(encoding="utf-8")
        time.sleep(0.2)
    again = cli("calibrate", *given)
    assert again.stdout.count("(done before)") == 4, again.stdout
    (stored,) = json_lines(cli("calibrate", "--list", "--json").stdout)
    assert (stored["seeds"], stored["options"]["max_steps"]) == ([1, 2], 4)
    assert set(stored["floors"]) == {"STSB", "starter"}
    one, two = stored["runs"]
    assert cli("eval", str(tiny_encoder), "--name", "base", "--device", "cpu", *tasks).returncode == ExitCode.OK

    done = cli("compare", f"seeds={one},{two}", "base", "--draws", "500", "--name", "study", "--latex")
    assert done.returncode == ExitCode.OK, done.stderr
    assert done.stdout.count("\\begin{tabular}") == 2
    with Workspace(cli.workspace) as workspace:
        (made_by,) = (run for run in workspace.runs() if run.kind == "compare")
        study = made_by.result
        stsb, _ = study["rows"]
        columns = predictions.columns(workspace.connection, one, "STSB")
        gold, cosines = (predictions.unpack(columns[n].type, columns[n].data) for n in ("gold", "spearman"))
    assert stsb["scores"][0]["seeds"][0] == pytest.approx(stats.spearmanr(gold, cosines).statistic)
    assert stsb["scores"][0]["seeds"] == pytest.approx(stored["floors"]["STSB"]["values"])
    (made_of,) = stsb["comparisons"]
    assert made_of["floor"]["source"] == "seeds (2)"  # the calibration's runs are the arm's own, and count once
    assert [(arm["fixed"], arm["why"]) for arm in study["arms"]] == [
        (False, "2 runs"),
        (True, "no training of it is known"),
    ]
    assert (study["calibration"]["id"], study["family"]) == (stored["id"], 2)

    shown = cli("show", made_by.id).stdout
    assert made_of["verdict"] in shown
    assert "seeds (2); calibration 1" in shown
    assert "Fixed, no training seed in it: " in shown
    _results(cli, one, tmp_path / "results")


def _results(cli: Cli, run: str, directory: Path) -> None:
    out = cli("results", run, "base", "--format", "mtebjson", "--output", str(directory), "--json")
    assert out.returncode == ExitCode.OK, out.stderr
    files = [Path(name) for name in json.loads(out.stdout)["files"]]
    assert sorted(file.name for file in files) == sorted(["STSBenchmark.json", "model_meta.json", "starter.json"] * 2)
    assert all(len(file.parent.name) == 64 for file in files)
    table = cli("results", run, "base")
    assert "| unit | STSB | starter |" in table.stdout
    assert "`syncse compare` says" in table.stdout
    (records,) = json_lines(cli("results", run, "--json").stdout)
    assert records[0]["scores"][0]["x100"] == pytest.approx(100 * records[0]["scores"][0]["value"])
    assert cli("results", run, "--format", "mtebjson").returncode == ExitCode.USAGE


def json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_bad_requests_end_with_a_sentence(cli: Cli, human: Path) -> None:
    nowhere = cli("compare", "a", "b")
    assert nowhere.returncode == ExitCode.NOTHING
    assert "No workspace here" in nowhere.stderr
    one = cli("calibrate", "--data", str(human), "--seeds", "1")
    assert (one.returncode, "at least 2" in one.stderr) == (ExitCode.USAGE, True)
    assert cli("calibrate").returncode == ExitCode.USAGE
    assert not cli.workspace.exists()
    with Workspace(cli.workspace):
        pass
    assert cli("calibrate", "--list").returncode == ExitCode.NOTHING
    single = cli("compare", "e")
    assert single.returncode == ExitCode.USAGE
    few = cli("compare", "a", "b", "--draws", "3")
    assert (few.returncode, "Bad bootstrap setting" in few.stderr) == (ExitCode.USAGE, True)
