"""What `doctor` says of the machine and its models: memory, GPUs and who uses them, how many models lie where."""

from collections import Counter
from pathlib import Path

from syncse_local import machine
from syncse_local.catalog.places import found_models
from syncse_local.config import Settings
from syncse_local.jobs import gpu_queue
from syncse_local.machine_memory import GIB
from syncse_local.text.display import safe

Check = tuple[str, str, str]


def machine_checks() -> list[Check]:
    """Cores, free memory, and each GPU with its free memory and the run that uses it."""
    memory = machine.memory()
    found = [("memory", "ok", f"{memory.free / GIB:.1f} of {memory.total / GIB:.1f} GiB free, {machine.cores()} cores")]
    seen = machine.gpus()
    if not seen:
        return [*found, ("GPU", "none", "no NVIDIA GPU answers: everything runs on the CPU")]
    return [*found, *((f"GPU {gpu.index}", "ok", _gpu(gpu)) for gpu in seen)]


def _gpu(gpu: machine.Gpu) -> str:
    free, total = ("?" if size is None else f"{size / GIB:.1f}" for size in (gpu.free, gpu.total))
    holder = gpu_queue.holder(gpu.index)
    who = "free" if holder is None else f"used by run {holder.get('run', '?')} of {holder.get('workspace', '?')}"
    return f"{safe(gpu.name)}, {free} of {total} GiB free; {safe(who)}"


def model_checks(chosen: Settings) -> list[Check]:
    """How many models were found, by where they lie; broken ones count too, for nothing is opened here."""
    counted = Counter(found.source for found in found_models(chosen, Path(chosen.workspace).resolve()))
    text = ", ".join(f"{source} {number}" for source, number in counted.items())
    return [("models found", "ok" if counted else "none", f"{text or 'none'}; `syncse models` lists them")]
