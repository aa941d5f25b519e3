"""A look at answers: what is shown is what the model said, nothing is stored, and a bad request costs nothing."""

import json
from pathlib import Path

import pytest

from syncse_local.api import Workspace
from syncse_local.errors import ExitCode, SyncseError
from tests.conftest import Cli


def test_answers_are_real_and_nothing_is_stored(cli: Cli, sentences: Path) -> None:
    done = cli(
        "try", "--input", str(sentences), "--rows", "2", "--backend", "echo", "--temperature", "0.3", "1", "--json"
    )
    assert done.returncode == 0, done.stderr
    cool, warm = (json.loads(line) for line in done.stdout.splitlines())
    first = sentences.read_text(encoding="utf-8").splitlines()[0]
    assert [(a["sentence"], a["role"]) for a in cool["answers"]][:2] == [(first, "positive"), (first, "negative")]
    assert first in cool["answers"][0]["raw"]
    assert cool["triplets"] + sum(bool(a["failure"]) for a in cool["answers"]) > 0
    assert (cool["temperature"], warm["temperature"]) == (0.3, 1)
    assert cool["run"] == ""
    assert not cli.workspace.exists()


def test_kept_answers_are_runs_and_are_not_asked_again(tmp_path: Path, sentences: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        (first,) = workspace.try_out(input=str(sentences), rows=2, keep=True, backend="echo")
        (again,) = workspace.try_out(input=str(sentences), rows=2, keep=True, backend="echo")
        assert first["run"] == again["run"]
        assert [run.id for run in workspace.runs()] == [first["run"]]
        assert first["answers"] == again["answers"]
        assert first["forecast_seconds"] > 0


def test_a_value_twice_and_a_missing_model_are_refused_before_anything_runs(tmp_path: Path, sentences: Path) -> None:
    with Workspace(tmp_path / "w") as workspace:
        with pytest.raises(SyncseError) as twice:
            workspace.try_out(input=str(sentences), temperatures=(1.0, 1.0), backend="echo")
        assert twice.value.code == ExitCode.USAGE
        with pytest.raises(SyncseError) as gone:
            workspace.try_out(input=str(sentences), models=(str(tmp_path / "gone.gguf"),), keep=True)
        assert gone.value.code in (ExitCode.PREFLIGHT, ExitCode.USAGE)
        assert workspace.runs() == []
