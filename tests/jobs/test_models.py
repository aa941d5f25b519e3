"""The models verb as a user meets it, and models by name in the verbs that start runs."""

import json
from pathlib import Path
from typing import Any

import pytest

from syncse_local.errors import ExitCode
from tests.conftest import Cli
from tests.unit.model_files import gguf, word


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """An environment in which the only models are the bundled ones and those below `tmp_path/m`."""
    return {"HOME": str(tmp_path / "home"), "SYNCSE_MODEL_DIRS": str(tmp_path / "m"), "SYNCSE_GPUS": ""}


def _entries(cli: Cli, places: dict[str, str], *arguments: str) -> dict[str, dict[str, Any]]:
    done = cli("models", "--json", *arguments, **places)
    assert done.returncode == 0, done.stderr
    return {entry["name"]: entry for entry in map(json.loads, done.stdout.splitlines())}


def test_looking_makes_no_workspace_and_hashing_is_remembered(
    cli: Cli, tmp_path: Path, places: dict[str, str], repo: Path
) -> None:
    gguf(tmp_path / "m" / "mine.gguf")
    gguf(tmp_path / "m" / "broken.gguf", data=b"GGUF")
    assert set(_entries(cli, places, "--kind", "llm")) == {"starter-llm", "mine"}
    assert not cli.workspace.exists()
    hashed = _entries(cli, places, "--hash")
    assert hashed["starter-llm"]["sha256"] in (repo / "models" / "starter-llm" / "README.md").read_text(
        encoding="utf-8"
    )
    again = _entries(cli, places)
    assert {name: entry["sha256"] for name, entry in again.items()} == {n: e["sha256"] for n, e in hashed.items()}
    assert again["broken"]["sha256"] == ""
    assert "header" in again["broken"]["problem"]


def test_hostile_texts_cannot_reach_the_terminal(cli: Cli, tmp_path: Path, places: dict[str, str]) -> None:
    gguf(tmp_path / "m" / "a\x1b]0;b.gguf", word("general.license", "free\x1b[31m\u202e"))
    for arguments in (("models",), ("models", "show", "a\x1b")):
        done = cli(*arguments, **places)
        assert done.returncode == 0, done.stderr
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
        assert "free\\u001b[31m" in done.stdout


def test_one_model_with_its_sum(cli: Cli, places: dict[str, str]) -> None:
    shown = cli("models", "show", "starter-l", **places).stdout
    assert "llamacpp fits" in shown
    assert "KV cache" in shown
    fit = json.loads(cli("models", "show", "starter-e", "--json", **places).stdout)["fits"][0]
    assert (fit["with"], fit["place"], fit["fits"]) == ("train", "main memory", True)
    assert cli("models", "nonsense", **places).returncode == ExitCode.USAGE
    assert cli("models", "--kind", "adapter", **places).returncode == ExitCode.NOTHING


def test_models_are_called_by_name(cli: Cli, tmp_path: Path, places: dict[str, str], sentences: Path) -> None:
    done = cli("generate", str(sentences), "--model", "starter-l", "--limit", "12", "--json", **places)
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "done", done.stderr
    for name in ("twin-a", "twin-b"):
        gguf(tmp_path / "m" / f"{name}.gguf")
    several = cli("generate", str(sentences), "--model", "twin", **places)
    assert several.returncode == ExitCode.USAGE
    assert "model_dirs:twin-a, model_dirs:twin-b" in several.stderr
    wrong = cli("generate", str(sentences), "--model", "starter-encoder", **places)
    assert wrong.returncode == ExitCode.PREFLIGHT
    assert "encoder" in wrong.stderr


def test_doctor_shows_the_machine(cli: Cli, places: dict[str, str]) -> None:
    done = cli("doctor", "--json", **{**places, "SYNCSE_GPUS": "0:24576:20000"})
    checks = {check["what"]: check for check in json.loads(done.stdout)["checks"]}
    assert "19.5 of 24.0 GiB free; free" in checks["GPU 0"]["detail"]
    assert "bundled 2" in checks["models found"]["detail"]
    assert "cores" in checks["memory"]["detail"]
    without = json.loads(cli("doctor", "--json", **places).stdout)["checks"]
    assert [check["state"] for check in without if check["what"] == "GPU"] == ["none"]
