"""Landlock: which files may be read, written and run, TCP and abstract sockets shut. Needs no privilege; Linux 5.13 on.

What an older kernel lacks is left out, and `abi` says which kernel it is.
"""

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterable
from contextlib import suppress

from syncse_local.isolation import kernel

EXECUTE, WRITE, READ, LIST, REMOVE_DIRECTORY, REMOVE = (1 << bit for bit in range(6))
MAKE = sum(1 << bit for bit in (7, 8, 9, 10, 12))
"""Directories, files, sockets, fifos and links."""
DEVICES = 1 << 6 | 1 << 11
"""Device nodes: handled, and never allowed."""
MOVE, TRUNCATE, CONTROL = 1 << 13, 1 << 14, 1 << 15
"""Between directories (version 2), cut short (3), a device's ioctl (5)."""
OF_A_FILE = EXECUTE | WRITE | READ | TRUNCATE | CONTROL
"""What may be allowed on something that is no directory."""
LOOK = READ | LIST
RUN = LOOK | EXECUTE
CHANGE = LOOK | WRITE | REMOVE_DIRECTORY | REMOVE | MAKE | MOVE | TRUNCATE
DEVICE = LOOK | WRITE | TRUNCATE | CONTROL
TCP = 3
"""Binding and connecting (version 4)."""
ABSTRACT, SIGNALS = 1, 2
"""Scopes (version 6): abstract sockets and signals of processes outside."""
SINCE = {MOVE: 2, TRUNCATE: 3, CONTROL: 5}
"""The kernel's versions of Landlock that brought a right."""
ASK_VERSION, BENEATH = 1, 1
"""Arguments of the system calls."""


def abi() -> int:
    """The version that the kernel speaks; 0 where it has none, or it is switched off."""
    if not kernel.machine():
        return 0
    with suppress(OSError):
        return kernel.call("landlock_create_ruleset", None, 0, ASK_VERSION)
    return 0


def restrict(allowed: Iterable[tuple[str, int]], tcp: bool) -> int:
    """Keep this process and its children to (path, rights), and off TCP where `tcp`; returns the version in force.

    Paths that are not there are left out. Raises OSError where the kernel has no Landlock.
    """
    version = abi()
    if not version:
        raise OSError(errno.ENOSYS, "this kernel has no Landlock, or it is switched off")
    known = EXECUTE | CHANGE | DEVICES | CONTROL
    for right, since in SINCE.items():
        known &= ~right if version < since else known
    fields = [known, TCP if tcp else 0, ABSTRACT | SIGNALS][: 1 if version < 4 else 2 if version < 6 else 3]
    attributes = ctypes.create_string_buffer(struct.pack(f"{len(fields)}Q", *fields), 8 * len(fields))
    rules = kernel.call("landlock_create_ruleset", attributes, 8 * len(fields), 0)
    try:
        for path, rights in allowed:
            _allow(rules, path, rights & known)
        kernel.prctl(kernel.NO_NEW_PRIVILEGES, 1)
        kernel.call("landlock_restrict_self", rules, 0)
    finally:
        os.close(rules)
    return version


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= OF_A_FILE
        attributes = ctypes.create_string_buffer(struct.pack("=Qi", rights, place), 12)
        kernel.call("landlock_add_rule", rules, BENEATH, attributes, 0)
    finally:
        os.close(place)
