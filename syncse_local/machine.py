"""What this machine has: free main memory, within the limits of its control group, and NVIDIA GPUs with theirs.

Reads files and asks `nvidia-smi`; imports nothing heavy and never touches a GPU itself.
"""

import csv
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from syncse_local.errors import ExitCode, SyncseError

PRETEND = "SYNCSE_GPUS"
"""Environment variable that describes GPUs instead of asking for them: `index:total:free` in MiB, comma-separated."""
MIB = 2**20
"""Bytes."""
_UNKNOWN_MEMORY = 4 << 30
"""Where the system does not say: what the smallest machines of today have, so that forecasts err on the safe side."""
_UNLIMITED = 1 << 60  # version 1 control groups say "no limit" with a number near 2**63
_QUERY = ("nvidia-smi", "--query-gpu=index,uuid,memory.total,memory.free,name", "--format=csv,noheader,nounits")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU this process may use; memory in bytes, None where the driver does not say."""

    index: int
    name: str
    total: int | None
    free: int | None
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """Main memory in bytes: what there is and what can be used without swapping."""

    total: int
    free: int


def cores() -> int:
    """CPUs this process may use at once: those it may run on, or as many as its control group's quota is worth."""
    quota = min(_quotas(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")), default=float("inf"))
    return max(1, min(visible_cores(), int(min(quota, visible_cores()))))


def visible_cores() -> int:
    """CPUs this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def thread_limits() -> dict[str, str]:
    """Environment variables that hold libraries to the quota, where it is less than the CPUs that they count themselves."""
    allowed = cores()
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    return dict.fromkeys(names, str(allowed)) if allowed < visible_cores() else {}


def _quotas(root: Path, membership: Path) -> Iterator[float]:
    """CPUs' worth of time that this process's control group, and each above it, may use (versions 1 and 2)."""
    for group in _groups(root, membership, "cpu"):
        try:
            words = (group / "cpu.max").read_text(encoding="ascii").split()
        except (OSError, ValueError):
            words = [str(_number(group / f"cpu.cfs_{name}_us")) for name in ("quota", "period")]
        if len(words) == 2 and all(word.isdigit() and int(word) for word in words):
            yield int(words[0]) / int(words[1])


def memory() -> Memory:
    """Main memory, or the tightest control group's where that leaves less."""
    total, free = _system_memory()
    for limit, used in _group_limits(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")):
        total, free = min(total, limit), min(free, max(0, limit - used))
    return Memory(total, free)


def _system_memory() -> tuple[int, int]:
    try:
        lines = (line.split() for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        sizes = {words[0]: int(words[1]) * 1024 for words in lines}
        return sizes["MemTotal:"], sizes["MemAvailable:"]
    except (OSError, ValueError, IndexError, KeyError):
        pass
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        total = _UNKNOWN_MEMORY
    return total, total


def _groups(root: Path, membership: Path, controller: str) -> Iterator[Path]:
    """The directories of this process's control group and those above it, as far as they are visible here."""
    try:
        lines = [line.split(":", 2) for line in membership.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if controllers and controller not in controllers.split(","):
            continue
        inside = PurePosixPath(path.lstrip("/"))
        yield from (root / controllers / group for group in (inside, *inside.parents))


def _group_limits(root: Path, membership: Path) -> Iterator[tuple[int, int]]:
    """(limit, used) of this process's control group and those above it; page cache that can be dropped is not used."""
    names = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
    for group in _groups(root, membership, "memory"):
        for limit_name, used_name in names:
            limit, used = _number(group / limit_name), _number(group / used_name)
            if limit is not None and used is not None and limit < _UNLIMITED:
                yield limit, max(0, used - _droppable(group / "memory.stat"))


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _droppable(path: Path) -> int:
    try:
        fields = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
        return int(fields.get("total_inactive_file", fields.get("inactive_file", 0)))
    except (OSError, ValueError):
        return 0


def gpus() -> list[Gpu]:
    """The NVIDIA GPUs this process may use, in the driver's order; none where there is no driver.

    Raises SyncseError (USAGE) for a pretended description that cannot be read.
    """
    if (pretended := os.environ.get(PRETEND)) is not None:
        return _pretended(pretended)
    try:
        done = subprocess.run(_QUERY, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return _visible(parse_smi(done.stdout), os.environ.get("CUDA_VISIBLE_DEVICES"))


def parse_smi(text: str) -> list[Gpu]:
    """The rows of `nvidia-smi --query-gpu` in the order of `_QUERY`; what is not a number is not known."""
    found = []
    for row in csv.reader(text.splitlines(), skipinitialspace=True):
        if len(row) >= 5 and row[0].strip().isdigit():
            found.append(Gpu(int(row[0]), ",".join(row[4:]).strip(), _mib(row[2]), _mib(row[3]), row[1].strip()))
    return found


def _mib(text: str) -> int | None:
    return int(text) * MIB if text.strip().isdigit() else None


def _visible(found: list[Gpu], chosen: str | None) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES leaves: indices or beginnings of UUIDs, up to the first that names none."""
    if chosen is None:
        return found
    kept: list[Gpu] = []
    for word in filter(None, (part.strip() for part in chosen.split(","))):
        if word.startswith("MIG-"):  # a slice: which GPU it is on, and how much of it, is not said here
            return [replace(gpu, total=None, free=None) for gpu in found]
        named = [g for g in found if word == str(g.index) or (word.startswith("GPU-") and g.uuid.startswith(word))]
        if len(named) != 1:
            break
        kept += [gpu for gpu in named if gpu not in kept]
    return kept


def _pretended(text: str) -> list[Gpu]:
    try:
        rows = [[int(number) for number in part.split(":")] for part in text.split(",") if part.strip()]
        return [Gpu(index, "pretended GPU", total * MIB, free * MIB) for index, total, free in rows]
    except ValueError as error:
        raise SyncseError(
            "The GPU description cannot be read",
            f"{PRETEND} is {text!r}.",
            "Write index:total:free in MiB, as in 0:24576:20000; unset it to ask the driver.",
            ExitCode.USAGE,
        ) from error
