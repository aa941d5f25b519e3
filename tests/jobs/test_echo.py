"""The engine without a model, through the whole command line as a newcomer would try it: twice, to the same rows."""

import csv
import json
from pathlib import Path

from syncse_local.errors import ExitCode
from tests.conftest import Cli


def _generated(cli: Cli, sentences: Path, *flags: str) -> str:
    done = cli("generate", str(sentences), "--backend", "echo", "--json", *flags)
    assert done.returncode == 0, done.stderr
    assert "no training data" in done.stdout  # a warning of the engine's, with every run
    return str(json.loads(done.stdout.splitlines()[-1])["run"])


def test_generate_filter_and_export_repeat_to_the_letter(cli: Cli, sentences: Path, tmp_path: Path) -> None:
    files = []
    for attempt in ("first", "second"):
        run = _generated(cli, sentences, "-w", str(tmp_path / attempt))
        files.append(tmp_path / f"{attempt}.csv")
        done = cli("export", run, str(files[-1]), "-w", str(tmp_path / attempt))
        assert done.returncode == 0, done.stderr
    assert files[0].read_bytes() == files[1].read_bytes()
    with files[0].open(encoding="utf-8", newline="") as handle:
        rows = [list(row.values()) for row in csv.DictReader(handle)]
    assert len(rows) >= 30
    assert all(len(set(row[:3])) == 3 for row in rows)  # sentence, positive and negative are three texts


def test_it_has_no_options_but_its_own(cli: Cli, sentences: Path) -> None:
    assert cli("generate", str(sentences), "--backend", "echo", "--backend-option", "n_ctx=512").returncode == 0
    done = cli("generate", str(sentences), "--backend", "echo", "--backend-option", "n_seq=4")
    assert done.returncode == ExitCode.USAGE
    assert "echo has no option n_seq" in done.stdout + done.stderr
