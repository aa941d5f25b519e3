"""Attention of our own for llama.cpp on a CPU: finds the library, gives each decoder one (docs/decisions/attention.md).

The work is done in attention.c, which `compile` makes a library of; this knows the pointers, and does not load llama.cpp. Where
there is no library llama.cpp attends itself, to the same result up to rounding.

    python -m syncse_local.backends.llamacpp.attention.library   # compiles it ahead of its first use; set-up does this
"""

import ctypes
import functools
import logging
import os
from pathlib import Path
from typing import Any

from syncse_local.backends.llamacpp.attention.compile import build, built, is_ours

log = logging.getLogger("syncse_local.llamacpp")
Doubt = ctypes.c_int
"""1 once a result was not llama.cpp's: one for all decoders of a model, which llama.cpp attends itself from then on."""


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
def _library() -> tuple[Any, str]:
    """The library of this machine, compiled where it was not yet, or None and why there is none."""
    if "LLAMA_CPP_LIB_PATH" in os.environ:
        return None, "LLAMA_CPP_LIB_PATH names another llama.cpp"
    try:
        if why := build():
            return None, why
        if not is_ours(built()):
            return None, f"somebody else may write {built()}"
        library = load(built())
    except (OSError, ModuleNotFoundError) as problem:
        log.warning("The attention library cannot be loaded: %s", problem)
        return None, str(problem)
    probe = library.attention_new(1, None)
    if not probe:
        log.warning("The attention library does not fit this llama.cpp.")
        return None, "it does not fit this llama.cpp"
    library.attention_free(probe)
    return library, ""


def why_missing() -> str:
    """Why there is no library, after trying to compile it; empty where there is one."""
    return _library()[1]


class Attention:
    """The attention of one decoder with `threads` threads; made before its context and closed after it."""

    def __init__(self, threads: int, doubt: Doubt) -> None:
        self.doubt = doubt
        self._pointer = _library()[0].attention_new(threads, ctypes.addressof(doubt))
        if not self._pointer:
            raise MemoryError("no memory for the attention of a decoder")

    def watch(self, params: Any) -> None:
        """Have the context that is made with `params` use it."""
        params.cb_eval = ctypes.cast(_library()[0].attention_watch, type(params.cb_eval))
        params.cb_eval_user_data = self._pointer

    def layers(self) -> tuple[int, int]:
        """Of the calls since the last time: layers that it computes, and layers left to llama.cpp. Each kind is compared anew."""
        found = _library()[0].attention_ours(self._pointer), _library()[0].attention_theirs(self._pointer)
        _library()[0].attention_again(self._pointer)
        return found

    def close(self) -> None:
        """Free it."""
        pointer, self._pointer = self._pointer, None
        if pointer:
            _library()[0].attention_free(pointer)


if __name__ == "__main__":
    problem = build()
    print(f"attention: not built ({problem}); llama.cpp's own is used" if problem else f"attention: {built()}")
