"""The examples of docs/guide/python.md run as they stand, on the bundled models."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST_LOOP = 15
"""Lines of code: what fits on a slide."""


@pytest.fixture(scope="module")
def printed(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block prints, run in order in processes of their own."""
    folder = tmp_path_factory.mktemp("notebook")
    lines = (repo / "models" / "starter-sentences" / "sentences.txt").read_text(encoding="utf-8").splitlines()
    (folder / "notes.txt").write_text("\n".join(lines[:60]) + "\n", encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": str(repo)}
    outputs = []
    for block in BLOCK.findall((repo / "docs" / "guide" / "python.md").read_text(encoding="utf-8")):
        done = subprocess.run([sys.executable, "-c", block], cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{block}\n{done.stderr[-3000:]}"
        outputs.append(done.stdout)
    return outputs


def test_the_loop_ends_in_scores_and_a_verdict(printed: list[str]) -> None:
    loop = printed[0].splitlines()
    assert any(line.endswith("triplets kept") for line in loop)
    assert any(line.startswith("starter spearman 0.") for line in loop)
    assert loop[-1] in ("better", "worse", "cannot tell")


def test_a_run_that_is_there_gives_its_triplets(printed: list[str]) -> None:
    assert printed[1].count(" | ") == 2


def test_an_error_names_the_field_and_its_bound(printed: list[str]) -> None:
    assert "`epochs` is 0" in printed[2]
    assert printed[2].rstrip().endswith("USAGE")


def test_the_loop_fits_on_a_slide(repo: Path) -> None:
    text = (repo / "docs" / "guide" / "python.md").read_text(encoding="utf-8")
    loop = [line for line in BLOCK.findall(text)[0].splitlines() if line.strip()]
    assert len(loop) <= LONGEST_LOOP
