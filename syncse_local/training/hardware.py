"""The machine and the versions a run was made with, as plain data for its record. Imports nothing heavy."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from syncse_local import __version__, machine

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy", "peft")


def describe(device: str) -> dict[str, Any]:
    """Processor, cores, memory in bytes, the GPUs where `device` is one, operating system and library versions."""
    return {
        "processor": _processor(),
        "cores": machine.cores(),
        "memory": machine.memory().total,
        "gpus": [{"name": gpu.name, "memory": gpu.total} for gpu in machine.gpus()] if device == "cuda" else [],
        "device": device,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "versions": {"syncse-local": __version__, "python": sys.version.split()[0], **_versions()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())
