"""The vLLM process as its parent sees it: starts it, talks in lines, notices its death, and leaves nothing of it behind.

Knows processes and pipes; knows neither prompts nor options.
"""

import json
import logging
import os
import select
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from syncse_local import airgap, machine
from syncse_local.backends.vllm.python import VllmPython
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.display import safe

log = logging.getLogger("syncse_local.vllm")
SCRIPT = Path(__file__).with_name("child.py")
PATIENCE = {"close": 30.0, "terminate": 10.0, "kill": 30.0}
"""Seconds the process has to end by itself, after SIGTERM, and after SIGKILL."""
SHOWN = 12
"""Lines of the process's log in an error."""


def environment(python: VllmPython, threads: int) -> dict[str, str]:
    """What the process starts with: offline, no telemetry, loopback only; on a CPU no compiler and a thread count."""
    env = airgap.environment(guarded=False)
    for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP"):
        env.pop(name, None)
    env |= {
        "VLLM_HOST_IP": "127.0.0.1",
        "MASTER_ADDR": "127.0.0.1",
        "GLOO_SOCKET_IFNAME": "lo",
        "NCCL_SOCKET_IFNAME": "lo",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }
    if python.cpu:
        env |= {
            "OMP_NUM_THREADS": str(threads or machine.cores()),
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "TORCHDYNAMO_DISABLE": "1",
        }
    return env


class VllmProcess:
    """A running child.py in a session of its own, with all that it starts."""

    def __init__(self, python: VllmPython, threads: int) -> None:
        guarded = [str(Path(airgap.__file__).resolve())] if os.environ.get(airgap.GUARD) == "1" else []
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - without a name, it is gone however this process ends
        self._answers, answers = os.pipe()
        life, self._life = os.pipe()
        try:
            self._process = subprocess.Popen(
                [python.path, "-I", SCRIPT, str(answers), str(life), *guarded],
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(answers, life),
                start_new_session=True,
                env=environment(python, threads),
            )
        finally:
            os.close(answers)
            os.close(life)
        self.pid = self._process.pid
        self._rest = b""
        self.open = True

    def send(self, *messages: dict[str, Any]) -> None:
        """Give messages to the process. Raises SyncseError when it is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
            self._process.stdin.flush()
        except OSError as problem:
            raise self.death() from problem

    def receive(self, seconds: float) -> list[dict[str, Any]]:
        """Messages that have come, waiting at most `seconds` for the first. Raises SyncseError when the process is gone.

        What the process's socket guard refused is counted here and not handed on.
        """
        if not select.select([self._answers], [], [], seconds)[0]:
            return []
        found = os.read(self._answers, 1 << 20)
        if not found:
            raise self.death()
        *lines, self._rest = (self._rest + found).split(b"\n")
        messages = [json.loads(line) for line in lines]
        for message in messages:
            if "refused" in message:
                airgap.note(*message["refused"])
        return [message for message in messages if "refused" not in message]

    def death(self, said: str = "") -> SyncseError:
        """How the process ended, in words: what it said last, or else the end of its log."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE["terminate"])
        tail = self.log_tail()
        for line in tail:
            log.error("%s", line)
        status = self._process.returncode
        if status == -signal.SIGKILL:
            how = "It was killed (SIGKILL): by a person, or by the system because memory ran out."
        elif status is not None and status < 0:
            how = f"It died of {signal.Signals(-status).name}."
        else:
            how = f"It ended with status {status}."
        last = f" It said: {safe(said)}" if said else f" Its log ends: {' | '.join(tail[-3:])}" if tail else ""
        return SyncseError("The vLLM process died", how + last[:1500], "Resume the run; what was answered is kept.")

    def log_tail(self) -> list[str]:
        """The last lines that the process wrote, safe to print."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - 16384))
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        self._log.seek(0, os.SEEK_END)
        return [safe(line, 400) for line in lines if line.strip()][-SHOWN:]

    def close(self) -> int:
        """End the process and everything it started; returns how many processes are left (0, or the kernel is stuck)."""
        if self.open:
            self.open = False
            self._ask_to_end()
            if self._process.poll() is None:
                self._process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(PATIENCE["terminate"])
            self._kill_session()
            for descriptor in (self._answers, self._life):
                os.close(descriptor)
            with suppress(OSError):
                self._process.stdin.close()  # type: ignore[union-attr]
            self._log.close()
        return len(session_members(self.pid))

    def _ask_to_end(self) -> None:
        """Say close and read on until the pipe ends, because a process that cannot write cannot end."""
        deadline = time.monotonic() + PATIENCE["close"]
        with suppress(SyncseError):
            if self._process.poll() is None:
                self.send({"close": True})
                while time.monotonic() < deadline and not any("closed" in m for m in self.receive(0.2)):
                    pass
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(max(0.1, deadline - time.monotonic()))

    def _kill_session(self) -> None:
        """SIGKILL to whatever is left, until nothing is: engines start workers that outlive them."""
        deadline = time.monotonic() + PATIENCE["kill"]
        while time.monotonic() < deadline:
            if self._process.poll() is not None and not session_members(self.pid):
                return
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            for pid in session_members(self.pid):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)


def session_members(session: int) -> list[int]:
    """Process numbers of a session, as /proc tells; those that have ended and wait to be collected do not count."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if fields[0] not in "ZX" and session in (int(fields[2]), int(fields[3])):
                found.append(int(entry.name))
    return found


def start_failure(said: str, tail: list[str]) -> SyncseError:
    """What the process could not load, in words."""
    short = any(word in said for word in ("OutOfMemory", "out of memory", "Free memory", "cache blocks", "KV cache"))
    hint = (
        "Lower max_model_len, gpu_memory_utilization or kv_cache_memory_bytes (--backend-option), or free the GPU."
        if short
        else "Check that the model is whole and that this vLLM knows its architecture; the run's log has the details."
    )
    for line in tail:
        log.error("%s", line)
    return SyncseError("vLLM cannot load the model", safe(" ".join(said.split()), 600), hint, ExitCode.PREFLIGHT)
