"""The job scripts and the clusters page: shell that parses, and commands that the command line knows."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from syncse_local.cli.main import build

REPO = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((REPO / "scripts" / "slurm").glob("*.sbatch"))
PAGE = REPO / "docs" / "guide" / "clusters.md"


def commands(text: str) -> list[list[str]]:
    """The words of every `syncse` command in a shell text, comments included; a variable with a default is that."""
    text = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text)
    joined = text.replace("\\\n", " ")
    lines = [line.lstrip("# ") for line in joined.splitlines() if not line.startswith("#SBATCH")]
    found = re.findall(r"(?:\bsyncse|-m syncse_local\.cli\.main) +([a-z]+ [^|&;<>)'\n]*)", "\n".join(lines))
    return [shlex.split(command, comments=True) for command in found]


def blocks(page: str) -> str:
    return "\n".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))


def test_the_scripts_are_there() -> None:
    assert {path.stem for path in SCRIPTS} == {"generate", "merge", "train", "vllm-pool"}
    page = PAGE.read_text(encoding="utf-8")
    assert all(path.name in page for path in SCRIPTS)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_shell(path: Path) -> None:
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert path.read_text(encoding="utf-8").startswith("#!/bin/bash\n")


@pytest.mark.parametrize("path", [*SCRIPTS, PAGE], ids=lambda path: path.name)
def test_every_command_can_be_parsed(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = commands(blocks(text) if path == PAGE else text)
    assert found
    for words in found:
        build().parse_args(words)


def test_an_unknown_flag_would_be_seen() -> None:
    (words,) = commands('syncse merge "$a" \\\n  --dry-rum "$b" | cat')
    with pytest.raises(Exception, match="dry-rum"):
        build().parse_args(words)
