"""llama-cpp-python's own server on the starter LLM, started once for all tests that need a real server."""

import atexit
import functools
import http.client
import importlib.util
import socket
import subprocess
import sys
import tempfile
import time

from syncse_local import paths

PATIENCE = 120.0


def no_server() -> str:
    """Why the server cannot be started here."""
    missing = [name for name in ("llama_cpp", "fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    return f"llama-cpp-python's server needs {', '.join(missing)}" if missing else ""


@functools.cache
def base_url() -> str:
    """The running server's base URL; the server ends with the tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(paths.starter_llm()), "--host", "127.0.0.1"]
    log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the server lives
    process = subprocess.Popen(
        [*command, "--port", str(port), "--n_ctx", "512", "--n_threads", "1"], stdout=log, stderr=subprocess.STDOUT
    )
    atexit.register(process.kill)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/v1/models")
            if connection.getresponse().status == 200:
                return f"http://127.0.0.1:{port}/v1"
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    log.seek(0)
    raise RuntimeError(f"the server did not start: {log.read()[-2000:].decode(errors='replace')}")
