"""How OpenMP's threads wait for each other in a worker: busily where its cores are free, asleep where others want them.

A thread that waits busily holds the core on which the thread it waits for could run. Which way they wait changes no sum: the
same threads compute the same parts. Linux and GNU OpenMP only; elsewhere nothing is done. Knows no torch and no model.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from pathlib import Path

LOOK_SECONDS = 1.0
"""Between two looks: long beside a training step of a small encoder, short beside the minutes in which neighbours come and go."""
CROWDED = 0.15
"""Seconds that the threads stood in the queue for a core, for each second of the clock, above which others want the cores.
At real-time priority, as if alone, two threads had 0.06; beside one busy process 0.67."""
CALM_LOOKS = 10
"""Looks in a row below it until the threads wait busily again: they do not change for every pause of a neighbour."""
TORCHS = "/torch/lib/libgomp"
"""How the path of the OpenMP library that torch brings goes on after the place of installation."""


def watch(look_seconds: float = LOOK_SECONDS) -> threading.Thread:
    """Start a thread that watches the cores for as long as this process lives, and changes the way of waiting."""
    thread = threading.Thread(target=_watch, args=(look_seconds,), name="shared cores", daemon=True)
    thread.start()
    return thread


def _watch(look_seconds: float) -> None:
    queued, crowd = Queued(), Crowd()
    while True:
        time.sleep(look_seconds)
        crowd.heed(queued.share())


class Queued:
    """How long this process's threads stand in the queue for a core, as the kernel counts it for each (`schedstat`)."""

    def __init__(self, tasks: Path = Path("/proc/self/task"), clock: Callable[[], float] = time.monotonic) -> None:
        self._tasks, self._clock = tasks, clock
        self._then, self._waited = clock(), self._read()

    def share(self) -> float:
        """Seconds in the queue for each second since the last call, of all threads together; 0 where nothing is counted."""
        now, waited = self._clock(), self._read()
        new = sum(waited[task] - self._waited.get(task, 0) for task in waited)
        seconds = now - self._then
        self._then, self._waited = now, waited
        return new / 1e9 / seconds if seconds > 0 else 0.0

    def _read(self) -> dict[str, int]:
        """Nanoseconds in the queue by thread."""
        found = {}
        try:
            for task in self._tasks.iterdir():
                found[task.name] = int((task / "schedstat").read_text(encoding="ascii").split()[1])
        except (OSError, ValueError, IndexError):  # a thread that ends meanwhile is looked at no more
            pass
        return found


class Crowd:
    """More threads of GNU OpenMP than there are cores: by its own rule all of them then look for work a hundred times only
    before they sleep (GOMP_SPINCOUNT in its manual). It reads that number at the start alone, so it cannot be told otherwise.

    The additional threads do nothing: they sleep until `leave`, when the thread that owns them ends.
    """

    def __init__(self) -> None:
        self._left: threading.Event | None = None
        self._calm = 0

    def heed(self, share: float) -> None:
        """Enter at once where the threads queue for so many seconds each second; leave after some looks at which they do not."""
        self._calm = 0 if share > CROWDED else self._calm + 1
        if self._calm == 0:
            self.enter()
        elif self._calm >= CALM_LOOKS:
            self.leave()

    def enter(self) -> bool:
        """Make them, where torch has brought GNU OpenMP; whether they are there."""
        if self._left is None and (library := _library()) is not None:
            ready, self._left = threading.Event(), threading.Event()
            threading.Thread(target=_own, args=(library, ready, self._left), name="crowd", daemon=True).start()
            ready.wait()
        return self._left is not None

    def leave(self) -> None:
        """Let them end."""
        if self._left is not None:
            self._left.set()
            self._left = None


def _own(library: ctypes.CDLL, ready: threading.Event, left: threading.Event) -> None:
    """Own a team of one thread more than there are cores; the library ends it with this thread."""
    nothing = ctypes.cast(library.omp_get_thread_num, ctypes.c_void_p)
    library.GOMP_parallel(nothing, None, ctypes.c_uint(library.omp_get_num_procs() + 1), ctypes.c_uint(0))
    ready.set()
    left.wait()


def _library() -> ctypes.CDLL | None:
    """The GNU OpenMP that torch computes with, once it is loaded."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        found = {line.split(maxsplit=5)[5] for line in lines if TORCHS in line}
        return ctypes.CDLL(min(found)) if found else None
    except OSError:
        return None
