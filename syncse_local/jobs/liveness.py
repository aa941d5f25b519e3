"""The lock file that says whether anybody works on a run. The kernel frees it however the holders die."""

import fcntl
import os
import time
from pathlib import Path

from syncse_local.store import locks


def acquire(path: Path, patience: float = 2.0) -> int | None:
    """Take the lock and return its descriptor, or None if it is still held after `patience` seconds.

    A child that inherits the descriptor holds the lock too: it is free only when the last holder is gone. Raises
    SyncseError (PREFLIGHT) where the file system has no locks.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except OSError as error:
            if error.errno not in locks.HELD:
                os.close(descriptor)
                raise locks.none_here(path, f"flock ({error.strerror})") from None
            if time.monotonic() >= deadline:
                os.close(descriptor)
                return None
            time.sleep(0.05)


def held(path: Path) -> bool:
    """Whether a process holds the lock now. Raises SyncseError (PREFLIGHT) where the file system has no locks."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError as error:
        if error.errno not in locks.HELD:
            raise locks.none_here(path, f"flock ({error.strerror})") from None
        return True
    finally:
        os.close(descriptor)
