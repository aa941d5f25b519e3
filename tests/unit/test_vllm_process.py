"""The vLLM process's parent side, with small programs in vLLM's place: how it dies, what it prints, what is left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from syncse_local import airgap
from syncse_local.backends.vllm.engine import engine_arguments
from syncse_local.backends.vllm.options import VllmOptions
from syncse_local.backends.vllm.process import PATIENCE, VllmProcess, environment, session_members, start_failure
from syncse_local.backends.vllm.python import VllmPython, find
from syncse_local.errors import ExitCode, SyncseError


def program(folder: Path, body: str) -> VllmPython:
    """An executable in the place of vLLM's interpreter."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return VllmPython(path, "0", "0", True)


@pytest.mark.parametrize(("end", "said"), [("kill -SEGV $$", "SIGSEGV"), ("kill -KILL $$", "SIGKILL"), ("exit 3", "3")])
def test_a_death_is_told_with_the_end_of_the_log_made_safe(tmp_path: Path, end: str, said: str) -> None:
    process = VllmProcess(program(tmp_path, f"sleep 1000 >&- & printf 'one\\n\\033[31mred\\007\\n'; {end}"), 1)
    session = process.pid
    with pytest.raises(SyncseError) as caught:
        while True:
            process.receive(0.1)
            process._process.poll()
            if process._process.returncode is not None and not process.receive(0):
                raise process.death()
    assert said in caught.value.detail
    assert "\\u001b[31mred\\u0007" in caught.value.detail
    assert "\x1b" not in caught.value.detail
    assert process.close() == 0
    assert process.close() == 0
    assert session_members(session) == []


def test_one_that_does_not_want_to_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PATIENCE, "close", 0.3)
    monkeypatch.setitem(PATIENCE, "terminate", 0.3)
    process = VllmProcess(program(tmp_path, "trap '' TERM; (trap '' TERM; sleep 1000) & while :; do sleep 1; done"), 1)
    assert process.close() == 0
    assert session_members(process.pid) == []


def test_the_environment_is_offline_and_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    env = environment(VllmPython(Path("python"), "1", "2", True), 3)
    assert (env["VLLM_HOST_IP"], env["HF_HUB_OFFLINE"], env["VLLM_NO_USAGE_STATS"]) == ("127.0.0.1", "1", "1")
    assert (env["OMP_NUM_THREADS"], env["TORCHDYNAMO_DISABLE"]) == ("3", "1")
    assert "PYTHONPATH" not in env
    on_gpu = environment(VllmPython(Path("python"), "1", "2", False), 0)
    assert "TORCHDYNAMO_DISABLE" not in on_gpu or "TORCHDYNAMO_DISABLE" in os.environ


def test_what_is_not_chosen_is_left_to_vllm() -> None:
    made = engine_arguments(VllmOptions(), Path("/m"), 131072)
    assert made["max_model_len"] == 8192
    assert not {"gpu_memory_utilization", "max_num_seqs", "quantization", "block_size"} & set(made)
    chosen = VllmOptions(max_model_len=4096, gpu_memory_utilization=0.5, quantization="awq", tensor_parallel_size=2)
    made = engine_arguments(chosen, Path("/m"), 131072)
    assert (made["max_model_len"], made["gpu_memory_utilization"]) == (4096, 0.5)
    assert (made["quantization"], made["tensor_parallel_size"]) == ("awq", 2)
    assert (made["trust_remote_code"], made["enable_prefix_caching"]) == (False, True)


def test_memory_that_is_short_has_its_own_next_step() -> None:
    short = start_failure("ValueError: Free memory on device 3/80 GiB is less than desired", ["\x1b"])
    assert "gpu_memory_utilization" in short.hint
    assert short.code == ExitCode.PREFLIGHT


@pytest.mark.parametrize("name", [sys.executable, "/nowhere/python", "/etc/passwd"])
def test_an_interpreter_without_vllm_is_refused(name: str) -> None:
    with pytest.raises(SyncseError) as caught:
        find(name)
    assert caught.value.code == ExitCode.PREFLIGHT
    assert "setup_vllm" in caught.value.hint


GUARDED = """
import json, socket
from syncse_local import airgap
from syncse_local.backends.vllm import child as vllm_child
sent = []
wire = type("Wire", (), {"send": lambda self, message: sent.append(message)})()
vllm_child.guard_sockets(airgap.__file__, wire)
probe = vllm_child.Loopback()
probe.bind(("", 0))  # how libraries look for a free port; the guard refuses it of other sockets
try:
    socket.create_connection(("192.0.2.1", 80), timeout=0.2)
except ConnectionRefusedError:
    print(json.dumps([sent, probe.getsockname()[0]]))
"""


def test_the_engines_side_guards_its_sockets_and_listens_on_loopback() -> None:
    done = subprocess.run([sys.executable, "-c", GUARDED], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[{"refused": ["__main__", "192.0.2.1"]}], "127.0.0.1"]


def test_what_the_engines_side_refused_counts_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(airgap, "_refused", [])
    lines = '{"refused": ["some.module", "example.org"]}\\n{"ready": 1}\\n'
    process = VllmProcess(program(tmp_path, f"printf '{lines}' > /dev/fd/$3; sleep 1000"), 1)
    messages: list[dict[str, object]] = []
    while not messages:
        messages += process.receive(1)
    assert messages == [{"ready": 1}]
    assert airgap.refused() == [("some.module", "example.org")]
    process._process.kill()
    assert process.close() == 0
