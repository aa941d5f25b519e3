"""Real servers of the chat-completions API, each started once for all tests that need it, and ended with them."""

import atexit
import functools
import http.client
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from syncse_local import paths
from syncse_local.backends.vllm.process import environment
from syncse_local.backends.vllm.python import find

PATIENCE = 180.0
VLLM = (
    "--dtype float32 --max-model-len 512 --kv-cache-memory-bytes 33554432 --block-size 32 --enforce-eager --max-num-seqs 16 "
    "--no-enable-chunked-prefill --max-num-batched-tokens 2048"
).split()
"""What makes vLLM small, and what it needs on a CPU."""


def no_server() -> str:
    """Why llama-cpp-python's server cannot be started here."""
    missing = [name for name in ("llama_cpp", "fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    return f"llama-cpp-python's server needs {', '.join(missing)}" if missing else ""


@functools.cache
def base_url() -> str:
    """llama-cpp-python's server on the starter LLM."""
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(paths.starter_llm())]
    return _started([*command, "--n_ctx", "512", "--n_threads", "1"], dict(os.environ))


@functools.cache
def vllm_url(model: Path) -> str:
    """vLLM's server on a model directory. Raises SyncseError where vLLM is not installed."""
    python = find()
    command = [str(python.path), "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), *VLLM]
    return _started(command, environment(python, 1))


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # vLLM's engine is a child that outlives its server


def _started(command: Sequence[str], environment: dict[str, str]) -> str:
    """The base URL, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server lives
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        stdout=log,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    )
    atexit.register(_end, process)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/v1/models")
            if connection.getresponse().status == 200:
                return f"http://127.0.0.1:{port}/v1"
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    log.seek(0)
    raise RuntimeError(f"the server did not start: {log.read()[-2000:].decode(errors='replace')}")
