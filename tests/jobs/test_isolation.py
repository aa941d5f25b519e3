"""Runs inside the kernel's layers: what they record, what native code cannot do there, and the calls that a whole job makes."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncse_local.api import Workspace
from syncse_local.errors import ExitCode
from syncse_local.isolation import kernel
from syncse_local.isolation.attempts import FILES
from syncse_local.jobs import confine
from tests.conftest import REPO, Cli
from tests.contract.faulty_server import FaultyServer

pytestmark = pytest.mark.skipif(not kernel.machine(), reason="the layers are Linux's, on x86-64 or aarch64")
PHONE_HOME = """
import ctypes, json, os, struct, sys
def hook(event, args):
    if event == "import" and args[0] == "llama_cpp" and not found:
        libc = ctypes.CDLL(None, use_errno=True)
        for family in (2, 1, 10, 17):
            made = libc.socket(family, 1, 0)
            found.append(ctypes.get_errno() if made < 0 else 0)
        try:
            open(os.environ["PRIVATE"]).close()
            found.append(0)
        except OSError as error:
            found.append(error.errno)
        with open(os.environ["FOUND"], "w") as file:
            json.dump(found, file)
found = []
if "syncse_local.jobs.worker" in " ".join(sys.orig_argv):
    sys.addaudithook(hook)
"""
"""A library that opens sockets and a private file by itself when the engine is loaded."""


@pytest.fixture
def serve() -> Iterator[FaultyServer]:
    """A server of the chat-completions API on this machine."""
    server = FaultyServer()
    yield server
    server.die()


def events(workspace: Path, run: str = "") -> dict[str, Any]:
    """The last event of each kind of a run, the newest run where none is named."""
    with Workspace(workspace) as opened:
        found = opened.events(run or opened.runs(1)[0].id)
    return {event["kind"]: event["data"] for event in found}


def test_a_native_call_of_the_engine_s_is_refused_and_counted(cli: Cli, sentences: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(PHONE_HOME, encoding="utf-8")
    (tmp_path / "private.txt").write_text("a private sentence", encoding="utf-8")
    found = cli.workspace / "found.json"
    environment = {"PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{REPO}", "PRIVATE": str(tmp_path / "private.txt")}
    done = cli("generate", str(sentences), "--limit", "12", "--threads", "1", FOUND=str(found), **environment)
    assert done.returncode == 0, done.stderr
    held = events(cli.workspace)
    if "seccomp" not in held["isolation"]:
        pytest.skip(f"no filter here: {held['isolation']['missing']}")
    assert json.loads(found.read_text()) == [13, 13, 13, 13, 13 if "landlock" in held["isolation"] else 0]
    if held["isolation"]["seccomp"]["refusals"] == "counted":
        assert held["refused_by_kernel"]["socket"] >= 4
    assert not any(outcome["result"] == "open" for outcome in held["isolation"]["tried"].values())
    assert "the kernel refused: socket" in cli("show", "g").stdout
    assert not (cli.workspace / "runs" / next(os.walk(cli.workspace / "runs"))[1][0] / "tmp").exists()


def test_a_local_server_is_reached_through_the_door(cli: Cli, sentences: Path, serve: FaultyServer) -> None:
    served = ("--backend", "openai_compat", "--model", "tiny", "--base-url", serve.url)
    done = cli("generate", str(sentences), "--limit", "4", *served, "--airgap=strict")
    assert done.returncode == 0, done.stderr
    held = events(cli.workspace)
    assert held["isolation"]["servers"] == [serve.url.removeprefix("http://").partition("/")[0]]
    assert held["isolation"]["sockets"] == "none"
    assert len(serve.answered) == 8


def test_strict_refuses_what_must_keep_the_network(cli: Cli, sentences: Path) -> None:
    launched = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    words = ("train", "--unsupervised", str(sentences), "--max-steps", "1")
    done = cli(*words, "--airgap=strict", **launched)
    assert done.returncode == ExitCode.BLOCKED, done.stderr
    assert "The air gap does not hold" in done.stderr
    assert "launcher" in done.stderr


@pytest.mark.slow
def test_the_processes_of_a_launcher_share_a_network_with_loopback_only(cli: Cli, sentences: Path) -> None:
    launcher = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    words = (
        "syncse_local.cli.main",
        "train",
        "--unsupervised",
        str(sentences),
        "--max-steps",
        "1",
        "--batch-size",
        "8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "syncse_local.isolation", *launcher, *words, "--device", "cpu", "--airgap=strict"],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=REPO,
        env={**os.environ, "OMP_NUM_THREADS": "1", "SYNCSE_WORKSPACE": str(cli.workspace)},
    )
    if "No network of its own" in done.stderr:
        pytest.skip("this system allows no network namespace")
    assert done.returncode == 0, done.stderr[-2000:]
    held = events(cli.workspace)["isolation"]
    assert "launcher" in held["namespace"]["how"]
    assert {way for way, outcome in held["tried"].items() if outcome["result"] == "open"} <= {*FILES}


def test_off_is_off_but_not_under_the_air_gap(cli: Cli, sentences: Path) -> None:
    words = ("generate", str(sentences), "--backend", "echo", "--limit", "2")
    assert cli(*words, SYNCSE_ISOLATION="off").returncode == 0
    assert "isolation" not in events(cli.workspace)
    assert cli(*words, "--airgap", SYNCSE_ISOLATION="off").returncode == 0
    assert "isolation" in events(cli.workspace)
    wrong = cli(*words, SYNCSE_ISOLATION="no")
    assert (wrong.returncode, "auto or strict or off" in wrong.stderr) == (ExitCode.USAGE, True)


def test_the_auditor_s_page(cli: Cli) -> None:
    said = cli("doctor", "--airgap", "--json")
    report = json.loads(said.stdout)["isolation"]
    ways = {outcome["result"] for way, outcome in report["tried"].items() if "file" not in way}
    assert (said.returncode == 0) == (ways == {"shut"}), said.stdout
    assert len(report["tried"]) == 15
    assert report["seconds"] < 5
    shown = cli("doctor", "--airgap").stdout
    assert "packet sockets" in shown
    assert "Landlock" in shown


def test_links_of_a_model_directory_are_followed(tmp_path: Path) -> None:
    blobs, model = tmp_path / "blobs", tmp_path / "snapshots" / "a"
    blobs.mkdir()
    model.mkdir(parents=True)
    (blobs / "weights").write_text("w", encoding="utf-8")
    (model / "model.safetensors").symlink_to(blobs / "weights")
    (tmp_path / "big-00001-of-00002.gguf").write_text("", encoding="utf-8")
    options = {"model": str(model), "deep": [{"file": str(tmp_path / "none")}], "n": 3, "text": "a\0b"}
    assert set(confine._named(options)) == {str(model), str(blobs / "weights")}
    assert list(confine._named({"model": str(tmp_path / "big-00001-of-00002.gguf")})) == [str(tmp_path)]


ALLOWED = [
    r"(getsockname|getpeername|getsockopt|setsockopt|shutdown)\(",  # they send nothing
    r"socketpair\(AF_UNIX, SOCK_(STREAM|SEQPACKET)",
    r"(recvmsg|sendmsg|recvfrom|sendto)\(\d+, (?!.*sa_family)",
    r"(socket|bind|connect|sendto|listen)\(.*= -1 (EACCES|ENETUNREACH)",
    r"socket\(AF_INET, SOCK_DGRAM\|SOCK_CLOEXEC, IPPROTO_IP\)",  # by which loopback is raised in the new network
    r"socket\(AF_(INET|UNIX), SOCK_STREAM\|SOCK_CLOEXEC, ",  # what the self-test must not reach
    r"bind\(\d+, \{sa_family=AF_INET, sin_port=htons\(0\), sin_addr=inet_addr\(\"127\.0\.0\.1\"\)\}",
    r"bind\(\d+, \{sa_family=AF_UNIX, sun_path=@?\"(\S*/)?syncse-self-test-",
    r"listen\(\d+, 8\)",
]
"""Every socket call that the starter job may make. No connect succeeds, and nothing is sent to an address."""


@pytest.mark.slow
def test_the_socket_calls_of_the_starter_job(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed")
    log = tmp_path / "calls"
    job = ["run", "--limit", "12", "--epochs", "1", "-w", str(tmp_path / "w"), "--airgap"]
    words = [strace, "-f", "-qq", "-e", "trace=%network", "-e", "signal=none", "-o", str(log)]
    done = subprocess.run(
        [*words, sys.executable, "-m", "syncse_local.cli.main", *job],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=REPO,
        env={**os.environ, "OMP_NUM_THREADS": "2"},
    )
    if "ptrace" in done.stderr or not log.exists():
        pytest.skip(f"strace may not trace here: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr[-2000:]
    calls = list(whole_calls(log.read_text(errors="replace").splitlines()))
    assert len(calls) > 50
    strange = {call for call in calls if not any(re.match(pattern, call) for pattern in ALLOWED)}
    assert not strange, "\n".join(sorted(strange)[:20])
    assert not [call for call in calls if call.startswith("connect(") and " = -1 EACCES" not in call]


@pytest.mark.parametrize(
    ("call", "allowed"),
    [
        ('connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.1")}, 16) = 0', False),
        ('connect(3, {sa_family=AF_UNIX, sun_path="/run/docker.sock"}, 19) = 0', False),
        (
            "connect(3, {sa_family=AF_INET, sin_port=htons(443)}, 16) = -1 EINPROGRESS (Operation now in progress)",
            False,
        ),
        ('sendto(3, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(53)}, 16) = 1', False),
        ('bind(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("0.0.0.0")}, 16) = 0', False),
        ("socket(AF_INET, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, IPPROTO_IP) = 3", False),
        ("socket(AF_PACKET, SOCK_RAW, 0) = 3", False),
        ("socket(AF_PACKET, SOCK_RAW, 0) = -1 EACCES (Permission denied)", True),
        ("socketpair(AF_UNIX, SOCK_DGRAM, 0, [3, 4]) = 0", False),
        ('sendto(3, "x", 1, 0, NULL, 0) = 1', True),
    ],
)
def test_the_list_of_socket_calls_can_fail(call: str, allowed: bool) -> None:
    assert any(re.match(pattern, call) for pattern in ALLOWED) is allowed


def whole_calls(lines: list[str]) -> Iterator[str]:
    """The calls of a trace; strace writes one in two lines where another process came between."""
    begun: dict[str, str] = {}
    for line in lines:
        process, _, call = line.partition(" ")
        call = call.strip()
        if call.startswith(("+++", "---")):
            continue
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>")
        elif call.startswith("<..."):
            yield begun.pop(process, "") + call.partition("resumed>")[2]
        else:
            yield call
    yield from begun.values()
