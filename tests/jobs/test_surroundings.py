"""Whole runs on machines as they are: strangers' files in the working directory, names that the locale cannot read."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from syncse_local.errors import ExitCode
from syncse_local.paths import starter_llm

SYNCSE = (sys.executable, "-P", "-m", "syncse_local.cli.start")
STRANGERS = ("secrets", "random", "jinja2", "numpy", "torch", "sqlite_utils", "llama_cpp", "sitecustomize")


def test_nothing_of_the_working_directory_is_imported(tmp_path: Path, sentences: Path) -> None:
    proof = tmp_path / "proof"
    for name in STRANGERS:
        code = f"open({str(proof)!r}, 'a').write({name!r})\nraise ImportError({name!r})\n"
        (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    words = ("generate", str(sentences), "--limit", "9", "-w", str(tmp_path / "ws"))
    done = subprocess.run([*SYNCSE, *words], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == ExitCode.OK, done.stderr
    assert not proof.exists()


def test_names_beyond_the_locale(tmp_path: Path, sentences: Path) -> None:
    env = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    shutil.copy(sentences, tmp_path / "s\u00e4tze.txt")
    shutil.copy(starter_llm(), tmp_path / "m\u00f6del.gguf")
    words = [
        "generate",
        "s\u00e4tze.txt",
        "--model",
        "m\u00f6del.gguf",
        "--limit",
        "9",
        "--name",
        "\u00fc",
        "-w",
        "\u0175s",
    ]
    done = subprocess.run([*SYNCSE, *words, "--json"], cwd=tmp_path, env=env, capture_output=True, timeout=300)
    assert done.returncode == ExitCode.OK, done.stdout + done.stderr
    run = json.loads(done.stdout.splitlines()[-1])["run"]
    for words in (["runs"], ["triplets", run], ["show", run], ["export", run, "\u00f6ut.csv", "--full"]):
        shown = subprocess.run(
            [*SYNCSE, *words, "-w", "\u0175s"], cwd=tmp_path, env=env, capture_output=True, timeout=60
        )
        assert shown.returncode == ExitCode.OK, shown.stderr
    assert "s\u00e4tze.txt" in (tmp_path / "\u00f6ut.csv").read_text(encoding="utf-8")
