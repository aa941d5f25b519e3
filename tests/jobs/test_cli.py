"""The command line as a user meets it: the whole job, exit codes, JSON, and one clear error for every bad input."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from syncse_local.api import Workspace
from syncse_local.backends.llamacpp.attention.compile import built
from syncse_local.errors import ExitCode
from tests.conftest import Cli

SMALL = ("--limit", "60", "--epochs", "1")


def _error(cli: Cli, code: ExitCode, *arguments: str) -> dict[str, str]:
    done = cli(*arguments, "--json")
    assert done.returncode == code, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr + done.stdout
    error: dict[str, str] = json.loads(done.stdout.splitlines()[-1])["error"]
    assert error["title"]
    assert error["detail"]
    assert error["hint"]
    return error


@pytest.mark.slow
def test_the_whole_job_under_the_air_gap_and_again(cli: Cli, tmp_path: Path) -> None:
    done = cli("run", "--airgap", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "0 connections refused" in done.stdout
    assert "before" in done.stdout
    assert "after" in done.stdout
    again = cli("run", "--airgap", *SMALL)
    assert again.stdout.count("done before") == 5
    assert "3/5 filter" in done.stdout
    kept = int(done.stdout.partition("filters    ")[2].split()[0])
    listed = [json.loads(line) for line in cli("runs", "--json").stdout.splitlines()]
    assert sorted(run["kind"] for run in listed) == ["eval", "eval", "generate", "train"]
    assert all(run["state"] == "done" and run["blocked"] == 0 for run in listed)
    trained = next(run["result"]["triplets"] for run in listed if run["kind"] == "train")
    assert 0 < trained <= kept
    applied = "SELECT COUNT(*) FROM filtering"
    with Workspace(cli.workspace) as workspace:
        evaluated = workspace.run(
            limit=60, epochs=1
        )  # from Python the job finds the same steps, and the filters that stand
        assert evaluated.id in {run["id"] for run in listed}
        assert workspace.connection.execute(applied).fetchone()[0] == 1
    everything = cli("run", "--airgap", *SMALL, "--no-filters")
    assert everything.stdout.count("done before") == 2
    assert "filters" not in everything.stdout
    generated = next(run["id"] for run in listed if run["kind"] == "generate")

    target = tmp_path / "out.csv"
    assert json.loads(cli("export", generated, str(target), "--json").stdout)["rows"] == kept
    assert cli("export", generated, str(target), "--unfiltered", "--force").returncode == 0
    with target.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0]) == ["sent0", "sent1", "hard_neg"]
    assert len(rows) == next(run["result"]["triplets"] for run in listed if run["kind"] == "generate")
    _error(cli, ExitCode.USAGE, "export", generated, str(target))


@pytest.mark.slow
def test_the_whole_job_in_a_network_namespace_without_interfaces(cli: Cli) -> None:
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("unshare -n is not allowed here")
    command = ["unshare", "-rn", sys.executable, "-m", "syncse_local.cli.main", "run", *SMALL]
    env = {**os.environ, "SYNCSE_WORKSPACE": str(cli.workspace)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "after" in done.stdout


def test_ctrl_c_saves_and_resume_goes_on(cli: Cli, sentences: Path) -> None:
    started = cli.start("generate", str(sentences))
    while '"running"' not in cli("runs", "--json").stdout:
        assert started.poll() is None
        time.sleep(0.1)
    started.send_signal(signal.SIGINT)
    _, errors = started.communicate(timeout=120)
    assert started.returncode in (ExitCode.INTERRUPTED, ExitCode.OK), errors  # OK: it was done before the signal came
    run = json.loads(cli("runs", "--json").stdout.splitlines()[0])
    if started.returncode == ExitCode.INTERRUPTED:
        assert run["state"] == "cancelled"
        assert cli("resume", run["id"]).returncode == 0
    assert json.loads(cli("show", run["id"], "--json").stdout)["result"]["answered"] == 80


def test_a_closed_front_end_leaves_the_run_going(cli: Cli, sentences: Path) -> None:
    started = cli.start("generate", str(sentences))
    while '"running"' not in cli("runs", "--json").stdout:
        assert started.poll() is None
        time.sleep(0.1)
    started.kill()
    started.communicate()
    done = cli("show", "g", "--follow")
    assert done.returncode == 0, done.stderr


def test_json_follows_a_run_line_by_line(cli: Cli, sentences: Path) -> None:
    done = cli("generate", str(sentences), "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"event", "state"} <= {key for line in lines for key in line}
    assert lines[-1]["state"] == "done"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.txt", b"", ExitCode.NOTHING),
        ("blank.txt", b"\n \n\n", ExitCode.NOTHING),
        ("nul.csv", b"sentence\nab\0c\n", ExitCode.PREFLIGHT),
        ("quotes.csv", b'sentence\n"never closed\n', ExitCode.PREFLIGHT),
        ("columns.csv", b"height,width\n1,2\n", ExitCode.USAGE),
        ("broken.jsonl", b'{"sentence": "fine"}\n{"sentence": \n', ExitCode.PREFLIGHT),
        ("fake.parquet", b"sentence\nno parquet\n", ExitCode.PREFLIGHT),
        ("odd.docx", b"PK", ExitCode.USAGE),
        ("long.txt", b"x" * 1_000_000 + b"\n", ExitCode.NOTHING),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_one_clear_error(cli: Cli, tmp_path: Path, name: str, content: bytes, code: ExitCode) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    done = cli("generate", str(path), "--json")
    error = json.loads(done.stdout.splitlines()[-1])["error"]
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode == code, error
    assert error["title"]
    assert error["hint"]


def test_a_megabyte_line_is_skipped_and_counted(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("The lamp is on the table.\n" + "x" * 1_000_000 + "\nA boy reads a book.\n", encoding="utf-8")
    done = cli("generate", str(path), "--json")
    planned = next(line for line in map(json.loads, done.stdout.splitlines()) if line.get("event") == "planned")
    assert planned["data"]["rows"] == 4
    assert planned["data"]["skipped"]["too_long"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate", "nowhere.txt"),
        ("generate", "--model", "nowhere.gguf", "models/starter-sentences/sentences.txt"),
        ("eval", "nowhere"),
        ("train", "--data", "nowhere.csv"),
    ],
)
def test_what_is_not_there_is_named(cli: Cli, arguments: tuple[str, ...]) -> None:
    error = _error(cli, ExitCode.PREFLIGHT, *arguments)
    assert "nowhere" in error["detail"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("generate",),
        ("generate", "--recipe", "startr", "README.md"),
        ("generate", "--recipe", "starter-scratch"),
        ("train",),
        ("eval", "--tasks", "STS99"),
        ("show", "x123"),
        ("nonsense",),
    ],
)
def test_wrong_usage_says_what_is_right(cli: Cli, arguments: tuple[str, ...], sentences: Path) -> None:
    if arguments[0] == "show":
        cli("generate", str(sentences), "--limit", "1", "--detach")
    _error(cli, ExitCode.USAGE, *arguments)


def test_an_encoder_with_pickled_weights_is_refused(cli: Cli, tmp_path: Path, tiny_encoder: Path) -> None:
    copy = tmp_path / "pickled"
    shutil.copytree(tiny_encoder, copy)
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    error = _error(cli, ExitCode.PREFLIGHT, "eval", str(copy))
    assert "safetensors" in error["detail"] + error["hint"]


def test_a_workspace_that_cannot_be_written(cli: Cli, tmp_path: Path, sentences: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a directory should be", encoding="utf-8")
    error = _error(cli, ExitCode.PREFLIGHT, "generate", str(sentences), "--workspace", str(blocked / "w"))
    assert "--workspace" in error["hint"]


def test_a_workspace_from_the_future(cli: Cli, sentences: Path) -> None:
    import sqlite3

    cli.workspace.mkdir(parents=True)
    connection = sqlite3.connect(cli.workspace / "syncse.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    error = _error(cli, ExitCode.PREFLIGHT, "runs")
    assert "newer" in error["title"]


def test_two_processes_on_one_workspace(cli: Cli, sentences: Path) -> None:
    both = [cli.start("generate", str(sentences), "--seed", str(seed)) for seed in (1, 2)]
    for process in both:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    runs = [json.loads(line) for line in cli("runs", "--json").stdout.splitlines()]
    assert [run["result"]["answered"] for run in runs] == [80, 80]


def test_every_verb_has_an_example(cli: Cli) -> None:
    verbs = "generate train eval run runs show cancel resume filter reparse export merge recipes models doctor tui"
    for verb in verbs.split():
        done = cli(verb, "-h")
        assert done.returncode == 0
        assert f"example:\n  syncse {verb}" in done.stdout


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = (
        "import sys, syncse_local.cli.main as m; m.build(); "
        "print([n for n in ('torch', 'transformers', 'numpy', 'scipy', 'llama_cpp', 'pyarrow', 'textual') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_doctor_names_what_is_there(cli: Cli) -> None:
    done = cli("doctor", "--json")
    assert done.returncode == 0, done.stdout
    checks = {check["what"]: check["state"] for check in json.loads(done.stdout)["checks"]}
    assert checks["starter LLM"] == checks["starter encoder"] == checks["offline switches"] == "ok"
    assert checks["shared-prefix attention"] == ("ok" if built().exists() else "absent")
