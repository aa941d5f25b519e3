"""Memory: how much is free, whether a sum of needs fits into it, and whether an error says that it ran out.

Knows no engine and no training; their sums stand with them.
"""

import sys
from dataclasses import dataclass, replace

from syncse_local import machine
from syncse_local.machine import Gpu

WORDS = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory", "bad_alloc")
"""How torch's allocators say it: on a CPU they raise a plain RuntimeError."""


def is_memory(error: BaseException) -> bool:
    """Whether the error means that memory ran out."""
    torch = sys.modules.get("torch")
    named = isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError))
    return named or (isinstance(error, RuntimeError) and any(word in str(error).lower() for word in WORDS))


GIB = 2**30
"""Bytes."""


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """Free bytes in main memory, and the GPUs this process may use."""

    main: int
    gpus: tuple[Gpu, ...] = ()

    @classmethod
    def now(cls, gpus_change_hands: bool = False) -> "FreeMemory":
        """What is free now; all of each GPU where its present user will be gone before this run starts."""
        seen = (replace(gpu, free=gpu.total) if gpus_change_hands else gpu for gpu in machine.gpus())
        return cls(machine.memory().free, tuple(seen))


@dataclass(frozen=True, slots=True)
class Fit:
    """A sum of needs (what, bytes) at one place, against the bytes free there; None: nobody says how many those are."""

    place: str
    needs: tuple[tuple[str, float], ...]
    free: int | None

    @property
    def needed(self) -> float:
        """Bytes in all."""
        return sum(size for _, size in self.needs)

    @property
    def fits(self) -> bool:
        """Whether the needs are met; yes where nobody says how much is free."""
        return self.free is None or self.needed <= self.free

    def __str__(self) -> str:
        parts = " + ".join(f"{what} {gib(size)}" for what, size in self.needs)
        free = "an unknown amount is" if self.free is None else f"{gib(self.free)} GiB are"
        return f"{parts} = {gib(self.needed)} GiB; {free} free in {self.place}"


def gib(size: float) -> str:
    """Bytes as GiB, with more places where there is little."""
    return f"{size / GIB:.2f}" if size >= GIB / 10 else f"{size / GIB:.4f}"


def free_on(gpus: tuple[Gpu, ...], share: float = 1.0) -> int | None:
    """Bytes free on the GPUs in all, of each at most this share of what it has; None where one does not say."""
    known = [min(gpu.free, int(gpu.total * share)) for gpu in gpus if gpu.free is not None and gpu.total is not None]
    return sum(known) if known and len(known) == len(gpus) else None


def place_of(gpus: tuple[Gpu, ...]) -> str:
    """The memory of these GPUs in words."""
    return "GPU memory" if len(gpus) == 1 else f"the memory of {len(gpus)} GPUs"
