"""Attention of our own for llama.cpp on a CPU: builds it, finds it, gives each decoder one (docs/decisions/attention.md).

The work is done in attention/attention.c; this knows the compiler, the file and the pointers, and does not load llama.cpp. Where
the library is missing llama.cpp attends itself, to the same result up to rounding.

    python -m syncse_local.backends.llamacpp.attention.library   # builds it; set-up does this
"""

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

log = logging.getLogger("syncse_local.llamacpp")
SOURCES = Path(__file__).parent
_ABILITIES = ("sse", "ssse", "avx", "fma", "f16c", "bmi", "movbe", "abm", "popcnt", "amx", "gfni", "vaes", "vpcl")
Doubt = ctypes.c_int
"""1 once a result was not llama.cpp's: one for all decoders of a model, which llama.cpp attends itself from then on."""


def _llama_cpp() -> Path:
    found = find_spec("llama_cpp")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("llama-cpp-python is not installed")
    return Path(found.origin).parent


def built() -> Path:
    """Where the library lies: in this Python's environment, named after what it is made from and for.

    That is its sources, the place and the headers of ggml, and the processor: where environments lie on a shared disk, each
    machine looks for its own. Raises ModuleNotFoundError without llama-cpp-python.
    """
    home = _llama_cpp()
    version = metadata.version("llama-cpp-python")
    digest = hashlib.sha256(f"{version} {home} {platform.machine()} {_processor()}".encode())
    for source in (*sorted(SOURCES.glob("*.[ch]")), home.parent / "include" / "ggml.h"):
        digest.update(source.read_bytes() if source.exists() else b"")
    return Path(sys.prefix) / "lib" / "syncse-local" / f"attention-{digest.hexdigest()[:12]}.so"


def _processor() -> str:
    """What the processor can do, without what the kernel adds to the same line."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    flags = next((line.split() for line in lines if line.startswith(("flags", "Features"))), [])
    return " ".join(flag for flag in flags if platform.machine() != "x86_64" or flag.startswith(_ABILITIES))


def build() -> str:
    """Compile the library for this machine unless that was done; returns why it could not be, or nothing."""
    if built().exists():
        return ""
    return compiled(built(), "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native")


def compiled(target: Path, *flags: str) -> str:
    """Compile the library to `target`; returns why it could not be, or nothing."""
    compiler = os.environ.get("CC") or next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        return "no C compiler was found"
    home = _llama_cpp()
    made = target.with_suffix(f".{os.getpid()}")
    command = [
        *compiler.split(), "-std=gnu11", "-O3", "-fno-strict-aliasing", "-fPIC", "-shared", *flags,
        "-o", str(made), str(SOURCES / "attention.c"), f"-I{home.parent / 'include'}",
        f"-L{home / 'lib'}", "-lggml-base", f"-Wl,-rpath,{home / 'lib'}", "-lm",
    ]  # fmt: skip
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["the compiler failed"]
            return next((line for line in lines if "error" in line), lines[0])
        made.replace(target)
        return ""
    except (OSError, subprocess.TimeoutExpired) as problem:
        return str(problem)
    finally:
        made.unlink(missing_ok=True)


def load(path: Path) -> Any:
    """The functions of a built library. Raises OSError when it cannot be loaded."""
    library = ctypes.CDLL(str(path))
    pointer = ctypes.c_void_p
    for name, result, arguments in (
        ("attention_new", pointer, (ctypes.c_int, pointer)),
        ("attention_free", None, (pointer,)),
        ("attention_again", None, (pointer,)),
        ("attention_compared", ctypes.c_int, (pointer,)),
        ("attention_ours", ctypes.c_int, (pointer,)),
        ("attention_theirs", ctypes.c_int, (pointer,)),
        ("attention_watch", ctypes.c_bool, (pointer, ctypes.c_bool, pointer)),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


@functools.cache
def _library() -> Any:
    """The library of this machine; None where there is none, or llama.cpp is not the one that it was compiled for."""
    if "LLAMA_CPP_LIB_PATH" in os.environ:
        return None
    try:
        library = load(built()) if built().exists() else None
    except (OSError, ModuleNotFoundError) as problem:
        log.warning("The attention library cannot be loaded: %s", problem)
        return None
    if library and not (probe := library.attention_new(1, None)):
        log.warning("The attention library does not fit this llama.cpp.")
        return None
    if library:
        library.attention_free(probe)
    return library


class Attention:
    """The attention of one decoder with `threads` threads; made before its context and closed after it."""

    def __init__(self, threads: int, doubt: Doubt) -> None:
        self.doubt = doubt
        self._pointer = _library().attention_new(threads, ctypes.addressof(doubt))
        if not self._pointer:
            raise MemoryError("no memory for the attention of a decoder")

    def watch(self, params: Any) -> None:
        """Have the context that is made with `params` use it."""
        params.cb_eval = ctypes.cast(_library().attention_watch, type(params.cb_eval))
        params.cb_eval_user_data = self._pointer

    def layers(self) -> tuple[int, int]:
        """Of the calls since the last time: layers that it computes, and layers left to llama.cpp. Each kind is compared anew."""
        found = _library().attention_ours(self._pointer), _library().attention_theirs(self._pointer)
        _library().attention_again(self._pointer)
        return found

    def close(self) -> None:
        """Free it."""
        pointer, self._pointer = self._pointer, None
        if pointer:
            _library().attention_free(pointer)


def available() -> bool:
    """Whether it is built and can be loaded."""
    return _library() is not None


if __name__ == "__main__":
    problem = build()
    print(f"attention: not built ({problem}); llama.cpp's own is used" if problem else f"attention: {built()}")
