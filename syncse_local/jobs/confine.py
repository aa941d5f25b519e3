"""What a run's worker may have: files and servers that its options name, what its engine needs. Knows no kernel layer.

`SYNCSE_ISOLATION` says how strictly: `auto`, `strict` or `off`; under the air gap `off` counts as `auto`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncse_local import airgap, paths
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.isolation import kernel
from syncse_local.isolation.outside import Watcher
from syncse_local.isolation.rules import Needs, Rules, whole
from syncse_local.jobs.launcher import launched
from syncse_local.registry import BACKENDS, backend_spec
from syncse_local.specs.train import TrainSpec
from syncse_local.store.runs import Run

VARIABLE = "SYNCSE_ISOLATION"
CHOICES = ("auto", "strict", "off")
PROGRAMS = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/opt", "/nix", "/gnu")
"""Where systems keep programs and libraries."""
SYSTEM = ("/etc", "/proc", "/sys")
DEVICES = (
    *("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/dri", "/dev/kfd", "/dev/dxg"),
    *("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset", "/dev/nvidia-caps"),
)
"""Beside the GPUs' own: `/dev/nvidia0` and so on."""
SHARED_MEMORY = "/dev/shm"
PLACES = ("LD_LIBRARY_PATH", "PATH", "CUDA_HOME", "CUDA_PATH", "LLAMA_CPP_LIB_PATH")
"""Variables that name directories with programs and libraries."""
CACHES = (
    *("TRITON_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "CUDA_CACHE_PATH", "VLLM_CACHE_ROOT", "VLLM_CONFIG_ROOT"),
    *("NUMBA_CACHE_DIR", "HF_MODULES_CACHE", "TORCH_HOME"),
)
"""Variables by which libraries are told where to keep what they compile: else they write below the home directory."""
PATIENCE = 10.0
"""Seconds for the report of a process that has ended: it is in the socket already."""
LONGEST_PATH = 4096
"""Characters, Linux's PATH_MAX."""
MOST_LINKS = 10_000
"""Entries of a model's directory that are looked at for links: the largest published ones have some hundred."""
SPLIT = re.compile(r"-\d{5}-of-\d{5}\.")
"""The name of one file of a model in several: the others lie beside it."""


def strictness(environment: Mapping[str, str] = os.environ) -> str:
    """`auto`, `strict` or `off`. Raises SyncseError (USAGE) for anything else."""
    said = environment.get(VARIABLE) or "auto"
    if said not in CHOICES:
        detail = f"{VARIABLE} is {said[:40]!r}, but must be one of {', '.join(CHOICES)}."
        raise SyncseError("A setting has the wrong value", detail, "Mend it, or unset it.", ExitCode.USAGE)
    return "auto" if said == "off" and environment.get(airgap.GUARD) == "1" else said


def rules_for(run: Run, workspace: Path, directory: Path) -> Rules | None:
    """The rules of a run's worker; None where isolation is off. Raises SyncseError (USAGE)."""
    strict = strictness()
    if strict == "off" or not kernel.machine():
        return None
    with_others = run.kind == "train" and launched(os.environ)
    needs = _of_ranks() if with_others else needs_of(run.kind, run.options)
    output = TrainSpec.of(run.options).output if run.kind == TrainSpec.KIND else ""
    beside = [_nearest(Path(output).absolute().parent)] if output else []
    made = basic(needs, _named(run.options), [workspace, directory, *beside])
    return replace(made, network=with_others, strict=strict == "strict")


def basic(needs: Needs, read: Iterable[str], write: Iterable[str | Path]) -> Rules:
    """Rules with what every worker may have beside these: the system, Python, devices, our own cache."""
    return Rules(
        sockets=needs.sockets,
        read=whole([*SYSTEM, *read]),
        write=whole([*write, own_cache(), SHARED_MEMORY]),
        run=whole([*PROGRAMS, *_python(), *_environment(), *needs.run]),
        devices=whole([*DEVICES, *_gpus()]),
        servers=needs.servers,
    )


def tried() -> dict[str, Any]:
    """What a worker would report here: a process enters the layers, tries every way out, and ends. Linux only."""
    watcher = Watcher(basic(Needs(), [], []))
    words = [sys.executable, "-m", "syncse_local.isolation.probe", str(watcher.descriptor)]
    done = airgap.environment(guarded=False)
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, pass_fds=[watcher.descriptor], env=done)
    watcher.start()
    process.wait()
    watcher.close()
    watcher.reported.wait(PATIENCE)
    return watcher.report


def needs_of(kind: str, options: Mapping[str, Any]) -> Needs:
    """What the engine of a run needs: its own, or its judge's."""
    told: Mapping[str, Any] = options
    if kind == "filter":
        told = (options.get("filters") or {}).get("judge") or {}
        told = {"backend": told.get("backend"), "backend_options": options.get("backend_options")} if told else {}
    name = told.get("backend")
    if kind not in ("generate", "filter") or not isinstance(name, str) or name not in BACKENDS:
        return Needs()
    return backend_spec(name).needs(told.get("backend_options") or {})


def _of_ranks() -> Needs:
    """What a launcher's processes meet by: gloo takes TCP, and NCCL Unix sockets too."""
    return Needs("loopback and unix" if _gpus() else "loopback")


def _gpus() -> list[Path]:
    return sorted(Path("/dev").glob("nvidia[0-9]*"))


def own_cache() -> Path:
    """This program's cache; made where it is not there, so that a rule can name it."""
    place = paths.own_directory("XDG_CACHE_HOME", ".cache")
    with suppress(OSError):
        paths.make_private(place)
    return place


def environment(directory: Path) -> dict[str, str]:
    """Where a confined worker and its libraries write what is not the run's result."""
    temporary = directory / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True, mode=0o700)
    cache = own_cache() / "libraries"
    told = {name: str(cache / name.lower()) for name in CACHES}
    return {"TMPDIR": str(temporary), "HF_TOKEN_PATH": str(temporary / "no-token"), **told}


def clear(directory: Path) -> None:
    """Remove the temporary files of a worker that has ended."""
    shutil.rmtree(directory / "tmp", ignore_errors=True)


def make_gpu_devices() -> None:
    """Let NVIDIA's helper make the device files that CUDA needs: inside, no program gains the rights to."""
    if os.path.exists("/dev/nvidiactl") and not os.path.exists("/dev/nvidia-uvm"):
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["nvidia-modprobe", "-u", "-c=0"], capture_output=True, timeout=10, check=False)


def _named(value: object) -> Iterator[str]:
    """Every path that stands in options and is there, with what the links in a directory point to."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _named(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _named(inner)
    elif isinstance(value, str) and 0 < len(value) < LONGEST_PATH and "\0" not in value and os.path.exists(value):
        yield os.path.dirname(value) or "." if SPLIT.search(os.path.basename(value)) else value
        yield from _linked(value)


def _linked(place: str) -> Iterator[str]:
    """Where the links in a directory lead, three levels down: model caches keep files elsewhere and link to them."""
    seen = 0
    for folder, directories, files in os.walk(place):
        if folder[len(place) :].count(os.sep) >= 3:
            directories.clear()
        for name in (*files, *directories):
            seen += 1
            if seen > MOST_LINKS:
                return
            if os.path.islink(path := os.path.join(folder, name)):
                yield os.path.realpath(path)


def _nearest(path: Path) -> Path:
    """The path, or the nearest directory above it that is there."""
    return next(place for place in (path, *path.parents) if place.exists())


def _python() -> Iterator[str | Path]:
    yield from (sys.prefix, sys.base_prefix, sys.exec_prefix, paths.HERE, paths.bundled())
    yield os.path.dirname(os.path.realpath(sys.executable))
    yield from (place for place in sys.path if os.path.isabs(place))


def _environment() -> Iterator[str]:
    home = os.path.realpath(paths.home())
    for name in PLACES:
        for place in os.environ.get(name, "").split(os.pathsep):
            if os.path.isabs(place) and not home.startswith(os.path.realpath(place)):
                yield place
