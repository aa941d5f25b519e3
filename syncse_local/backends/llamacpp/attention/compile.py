"""Compiles our attention for this machine at its first use, into the user's cache; knows the compiler and the file.

The file is named after all that it is made from and for. Only the user may write it: what lies there is loaded.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from syncse_local.paths import make_private, own_directory, user_number

SOURCES = Path(__file__).parent
LONGEST = 300
"""Seconds for the compiler, which takes one to four where nothing else is at work."""
_ABILITIES = ("sse", "ssse", "avx", "fma", "f16c", "bmi", "movbe", "abm", "popcnt", "amx", "gfni", "vaes", "vpcl")


def _llama_cpp() -> Path:
    found = find_spec("llama_cpp")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("llama-cpp-python is not installed")
    return Path(found.origin).parent


def built() -> Path:
    """Where the library lies: in the user's cache, named after its sources, ggml's headers and place, and the processor.

    Where a cache lies on a shared disk, each kind of machine has its own. Raises ModuleNotFoundError without llama-cpp-python.
    """
    home = _llama_cpp()
    version = metadata.version("llama-cpp-python")
    digest = hashlib.sha256(f"{version} {home} {platform.machine()} {_processor()}".encode())
    for source in (*sorted(SOURCES.glob("*.[ch]")), home.parent / "include" / "ggml.h"):
        digest.update(source.read_bytes() if source.exists() else b"")
    return own_directory("XDG_CACHE_HOME", ".cache") / f"attention-{digest.hexdigest()[:12]}.so"


def _processor() -> str:
    """What the processor can do, without what the kernel adds to the same line."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    flags = next((line.split() for line in lines if line.startswith(("flags", "Features"))), [])
    return " ".join(flag for flag in flags if platform.machine() != "x86_64" or flag.startswith(_ABILITIES))


def compiler() -> list[str]:
    """The C compiler's command: CC, or the first of the usual names, not of the working directory; empty where there is none."""
    if named := os.environ.get("CC"):
        return named.split()
    places = os.pathsep.join(place for place in os.get_exec_path() if os.path.isabs(place))
    found = next(filter(None, (shutil.which(name, path=places) for name in ("cc", "gcc", "clang"))), None)
    return [found] if found else []


def build() -> str:
    """Compile the library for this machine unless that was done; returns why it could not be, or nothing."""
    if built().exists():
        return ""
    return compiled(built(), "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native")


def compiled(target: Path, *flags: str) -> str:
    """Compile the library to `target`, which is there whole or not at all; returns why it could not be, or nothing."""
    words = compiler()
    if not words:
        return "no C compiler was found"
    home = _llama_cpp()
    try:
        make_private(target.parent)
        with tempfile.TemporaryDirectory(prefix=".attention-", dir=target.parent) as scratch:
            made = Path(scratch) / target.name
            command = [
                *words, "-std=gnu11", "-O3", "-fno-strict-aliasing", "-fPIC", "-shared", *flags,
                "-o", str(made), str(SOURCES / "attention.c"), f"-I{home.parent / 'include'}",
                f"-L{home / 'lib'}", "-lggml-base", f"-Wl,-rpath,{home / 'lib'}", "-lm",
            ]  # fmt: skip
            env = {**os.environ, "LC_ALL": "C"}
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=LONGEST, cwd=scratch, env=env
            )
            if done.returncode:
                lines = done.stderr.strip().splitlines() or ["the compiler failed"]
                return next((line for line in lines if "error" in line), lines[0])
            made.chmod(0o600)
            made.replace(target)
            return ""
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)


def is_ours(path: Path) -> bool:
    """Whether only this user can have written the file and its directory."""
    return all(
        place.stat().st_uid == user_number() and not place.stat().st_mode & 0o022 for place in (path, path.parent)
    )
