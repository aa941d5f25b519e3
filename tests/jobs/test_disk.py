"""A disk that fills up during a run, and one that cannot be written: small file systems mounted for the purpose."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode
from tests.conftest import Cli

SYNCSE = f'"{sys.executable}" -m syncse_local.cli.main'
FILLING = f"""
mount -t tmpfs -o size=%dk none disk
{SYNCSE} generate sentences.txt --workspace disk/ws --json > out.jsonl 2> errors.txt
echo $? > code
rm -rf workspace
cp -r disk/ws workspace
"""
READ_ONLY = f"""
mount -t tmpfs none disk
{SYNCSE} generate sentences.txt --limit 20 --workspace disk/ws > first.txt 2>&1 || exit 9
mount -o remount,ro none disk
{SYNCSE} generate sentences.txt --limit 5 --workspace disk/ws --json > out.jsonl 2> errors.txt
echo $? > code
"""


def mounted(script: str, folder: Path) -> tuple[int, str]:
    """Run `script` where it may mount file systems; its `code` and everything the command said."""
    (folder / "disk").mkdir(exist_ok=True)
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "disk"], cwd=folder, check=False).returncode:
        pytest.skip("mounting in a namespace is not allowed here")
    subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=folder, check=True)
    said = (folder / "out.jsonl").read_text() + (folder / "errors.txt").read_text()
    return int((folder / "code").read_text()), said


def error(folder: Path) -> dict[str, str]:
    """The error in the last line of the command's output."""
    found: dict[str, str] = json.loads((folder / "out.jsonl").read_text().splitlines()[-1])["error"]
    return found


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare")
def test_a_full_disk_ends_the_run_and_nothing_is_lost(tmp_path: Path, repo: Path) -> None:
    lines = (repo / "models" / "starter-sentences" / "sentences.txt").read_text(encoding="utf-8").splitlines()[:600]
    (tmp_path / "sentences.txt").write_text("\n".join(lines), encoding="utf-8")
    cli = Cli(tmp_path / "workspace")
    kept = 0
    for size in range(600, 3000, 200):  # until the disk holds the plan and some of the answers
        code, said = mounted(FILLING % size, tmp_path)
        assert code == ExitCode.FAILED, said
        assert error(tmp_path)["title"] == "The disk is full"
        assert "Traceback" not in said
        with closing(sqlite3.connect(cli.workspace / "syncse.db")) as copy:
            kept = copy.execute("SELECT count(*) FROM response").fetchone()[0]
        if kept:
            break
    assert 0 < kept < 1200
    run = json.loads(cli("runs", "--json").stdout.splitlines()[0])
    resumed = cli("resume", run["id"])
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert json.loads(cli("show", run["id"], "--json").stdout)["result"]["answered"] == 1200


@pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare")
@pytest.mark.usefixtures("sentences")
def test_a_read_only_disk_is_one_clear_error(tmp_path: Path) -> None:
    code, said = mounted(READ_ONLY, tmp_path)
    assert code == ExitCode.PREFLIGHT, said
    assert "cannot be written" in error(tmp_path)["title"]
    assert "Traceback" not in said
