"""Encoders that cannot be used, as a user meets them in `train` and `eval`: one clear error, its exit code, nothing written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode
from tests.conftest import Cli
from tests.unit.test_encoder import BAD

CASES = ("no tokenizer", "NaN", "remote code")


@pytest.mark.parametrize("verb", ["train", "eval"])
def test_a_bad_encoder_is_one_clear_error(cli: Cli, tiny_encoder: Path, tmp_path: Path, verb: str) -> None:
    """All cases in one workspace and side by side: each is a run with a process of its own."""
    data = tmp_path / "data.csv"
    data.write_text("anchor,positive,negative\n" + "".join(f"a {i},b {i},c {i}\n" for i in range(8)), encoding="utf-8")
    started = {}
    for case in CASES:
        damage: Callable[[Path], object] = BAD[case][0]
        broken = Path(shutil.copytree(tiny_encoder, tmp_path / case.replace(" ", "-")))
        damage(broken)
        flags = ("--data", str(data), "--encoder", str(broken), "--dev") if verb == "train" else (str(broken),)
        started[case] = cli.start(verb, *flags, "--device", "cpu", "--json")
    for case, process in started.items():
        out, err = process.communicate(timeout=200)
        assert process.returncode == ExitCode.PREFLIGHT, (case, out, err)
        assert "Traceback" not in out + err
        error = json.loads(out.splitlines()[-1])["error"]
        assert error["title"] == BAD[case][1]
        assert error["hint"]
    assert not (cli.workspace / "models").exists()


def test_a_rate_that_overflows_ends_with_exit_code_one(cli: Cli, tiny_encoder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("anchor,positive,negative\n" + "".join(f"a {i},b {i},c {i}\n" for i in range(32)), encoding="utf-8")
    flags = ("--batch-size", "8", "--learning-rate", "1e38", "--warmup-ratio", "0.5", "--dev", "--device", "cpu")
    done = cli("train", "--data", str(data), "--encoder", str(tiny_encoder), *flags, "--json")
    assert done.returncode == ExitCode.FAILED
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert error["title"] == "Training diverged"
    assert not (cli.workspace / "models").exists()
