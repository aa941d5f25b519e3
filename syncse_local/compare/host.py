"""This machine in one line: what a noise floor was measured on. Has no host name in it. Light."""

import os
import platform
from pathlib import Path

from syncse_local import machine


def describe() -> str:
    """System, processor, cores and GPUs; the same on every call as long as they are."""
    gpus = ", ".join(sorted(gpu.name for gpu in machine.gpus())) or "no GPU"
    return f"{platform.system()} {platform.machine()}, {_processor()}, {os.cpu_count()} CPUs, {gpus}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"
