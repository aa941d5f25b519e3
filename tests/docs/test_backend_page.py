"""docs/extend/backend.md as a newcomer follows it: its file, its lines, its tests and its run, in a copy of the project."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def blocks(repo: Path) -> dict[str, list[str]]:
    """The page's code by language."""
    found: dict[str, list[str]] = {}
    for language, text in FENCE.findall((repo / "docs" / "extend" / "backend.md").read_text(encoding="utf-8")):
        found.setdefault(language, []).append(text)
    return found


@pytest.fixture(scope="module")
def copied(repo: Path, blocks: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with what the page adds."""
    copy = tmp_path_factory.mktemp("project")
    skip = shutil.ignore_patterns("__pycache__", "*.so")
    for name in ("syncse_local", "tests"):
        shutil.copytree(repo / name, copy / name, ignore=skip)
    for name in ("models", "scripts", "tui", "pyproject.toml"):
        (copy / name).symlink_to(repo / name)
    file, line, entry = blocks["python"]
    (copy / "syncse_local" / "backends" / "wordswap.py").write_text(file, encoding="utf-8")
    _add(copy / "syncse_local" / "registry.py", "BACKENDS: dict[str, str] = {\n", line)
    _add(copy / "tests" / "contract" / "engines.py", "ENGINES = {\n", entry)
    return copy


def _add(path: Path, after: str, line: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(after) == 1
    path.write_text(text.replace(after, after + line), encoding="utf-8")


def _run(copy: Path, *arguments: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(copy)}
    command = [sys.executable, "-m", *arguments]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_the_new_engine_keeps_the_contract(copied: Path) -> None:
    tests = ("tests/contract/test_backends.py", "tests/unit/test_engine_names.py")
    chosen = "wordswap or every_backend or only_backends"
    said = _run(copied, "pytest", *tests, "-k", chosen, "-p", "no:cacheprovider", "-rA")
    for name in ("every_row_of_several_contexts_is_answered_once", "it_says_what_it_is", "seeds_matter"):
        assert f"PASSED tests/contract/test_backends.py::test_{name}[wordswap-wordswap]" in said
    assert "PASSED tests/unit/test_engine_names.py::test_only_backends_and_the_registry" in said


def test_the_new_engine_generates(copied: Path, blocks: dict[str, list[str]]) -> None:
    (copied / "notes.txt").write_text("Two dogs ran over the wide green field.\nShe reads a book.\n", encoding="utf-8")
    command = next(line for text in blocks["sh"] for line in text.splitlines() if "--backend wordswap" in line)
    said = _run(copied, "syncse_local.cli.main", *command.split()[1:], "-w", str(copied / "w"))
    assert "engine: wordswap 1: times 2" in said


def test_the_type_checker_accepts_it(copied: Path, repo: Path) -> None:
    file = str(copied / "syncse_local" / "backends" / "wordswap.py")
    _run(repo, "mypy", "--config-file", str(repo / "pyproject.toml"), file)
