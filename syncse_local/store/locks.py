"""Whether a file system has the locks that a workspace needs: SQLite's records (fcntl) and the runs' whole files (flock).

Some network file systems have one, or none: Lustre mounted without flock, NFS without its lock daemon.
"""

import errno
import fcntl
import tempfile
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError

HELD = (errno.EAGAIN, errno.EACCES)
"""What a lock says that somebody else holds; any other error is that there are no locks."""


def lacking(directory: Path) -> str:
    """The kinds of locks that the directory's file system lacks, in words; empty where it has both, or cannot be written."""
    found = []
    try:
        with tempfile.NamedTemporaryFile(dir=directory, prefix=".syncse-locks-") as probe:
            for name, lock in (("flock", fcntl.flock), ("fcntl", fcntl.lockf)):
                try:
                    lock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    found.append(f"{name} ({error.strerror})")
    except OSError:
        return ""  # whoever writes there next says why not
    return " and ".join(found)


def check(directory: Path) -> None:
    """Raise SyncseError (PREFLIGHT) where the directory's file system lacks a lock."""
    if missing := lacking(directory):
        raise none_here(directory, missing)


def none_here(place: Path, missing: str) -> SyncseError:
    """The error for a place without locks."""
    return SyncseError(
        "This file system has no locks",
        f"The file system of {place} lacks {missing}; without it two programs would write over each other.",
        "Choose a workspace on a local disk with --workspace DIR, or have it mounted with locks.",
        ExitCode.PREFLIGHT,
    )
