"""Engines are known by name in `backends/` and in the registry only; everybody else asks an engine's BackendSpec."""

import re
import tomllib
from pathlib import Path

import pytest

from syncse_local.registry import BACKENDS, backend_spec, offered_backends

KNOWN = ("syncse_local/backends/", "syncse_local/registry.py")
WHOLE = r"(?<![\w-])(?:{})(?![\w-])"
"""A whole word: settings and flags such as `vllm_python` and `--vllm-python` keep their names."""
PACKAGES = {backend_spec(name).engine.split(".")[2].split(":")[0] for name in BACKENDS}
NAMED = re.compile(WHOLE.format("|".join(BACKENDS)) + rf"|syncse_local\.backends\.(?:{'|'.join(PACKAGES)})\b")


def named_in(repo: Path) -> list[str]:
    """Every place outside of `KNOWN` where an engine is named: file, line, text."""
    files = [*repo.glob("syncse_local/**/*.py"), *repo.glob("tui/**/*.py")]
    return [
        f"{path.relative_to(repo)}:{number}: {line.strip()}"
        for path in sorted(files)
        if not str(path.relative_to(repo)).startswith(KNOWN)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if NAMED.search(line)
    ]


def test_only_backends_and_the_registry_know_an_engine_by_name(repo: Path) -> None:
    assert named_in(repo) == []


def test_the_search_finds_a_name(tmp_path: Path) -> None:
    package = tmp_path / "syncse_local" / "cli"
    package.mkdir(parents=True)
    wrong = ['if backend == "vllm":', "from syncse_local.backends.openai.key import read_key", "# an echo of it"]
    right = ["chosen.vllm_python", 'flag = "--vllm-python"', "from syncse_local.backends.options import read_options"]
    (package / "x.py").write_text("\n".join([*wrong, *right]), encoding="utf-8")
    assert named_in(tmp_path) == [f"syncse_local/cli/x.py:{number}: {line}" for number, line in enumerate(wrong, 1)]


@pytest.mark.parametrize("name", BACKENDS)
def test_an_engine_that_is_offered_runs_models(name: str) -> None:
    spec = backend_spec(name)
    assert (name in offered_backends()) is (spec.model != "none")
    assert bool(spec.formats) is (spec.model == "files")


def test_no_engine_is_left_out_of_the_contract_that_they_do_not_know_each_other(repo: Path) -> None:
    contracts = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    independent = next(each["modules"] for each in contracts if each["type"] == "independence")
    assert {f"syncse_local.backends.{package}" for package in PACKAGES} == set(independent)
