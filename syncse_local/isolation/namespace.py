"""A network of this process's own in which there is nothing but loopback: root's way, or an unprivileged user's."""

import ctypes
import errno
import os
import socket
import struct
from itertools import pairwise
from pathlib import Path

from syncse_local.isolation import capabilities, kernel

NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000
"""unshare's flags, CLONE_NEWUSER and CLONE_NEWNET."""
GET_FLAGS, SET_FLAGS, UP = 0x8913, 0x8914, 1
"""The ioctls that read and write an interface's flags, and the flag that says it is up."""


def enter() -> str:
    """Leave the machine's network for an empty one; returns how. Raises OSError where the system allows neither way."""
    if not kernel.machine():
        raise OSError(errno.ENOSYS, "no namespaces on this system")
    user = os.geteuid()
    try:
        how = _leave(user)
    except OSError:
        if not is_empty():
            raise
        how = "this process was started in a network with loopback only"
    capabilities.drop(all_of_them=user != 0)
    return how


def _leave(user: int) -> str:
    group = os.getegid()
    if user == 0:  # in a user namespace of its own root could not read what belongs to others
        _unshare(NEW_NETWORK)
        how = "a network namespace"
    else:
        _unshare(NEW_USER | NEW_NETWORK)
        how = "a network namespace in a user namespace"
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    _raise_loopback()
    return how


def is_empty() -> bool:
    """Whether this process's network has loopback and nothing else."""
    return interfaces() == {"lo"}


def inode() -> int:
    """The number of this process's network namespace, as `ls -l /proc/PID/ns/net` shows it; 0 where there is none."""
    try:
        return os.stat("/proc/self/ns/net").st_ino
    except OSError:
        return 0


def interfaces() -> set[str]:
    """The names of this process's network interfaces; empty where /proc does not say."""
    try:
        lines = Path("/proc/self/net/dev").read_text(encoding="utf-8", errors="replace").splitlines()[2:]
    except OSError:
        return set()
    return {line.partition(":")[0].strip() for line in lines}


def unrouted() -> int:
    """How often something in this namespace wanted to leave and found no way, as the kernel counted."""
    found = 0
    for name, column in (("snmp", "OutNoRoutes"), ("snmp6", "Ip6OutNoRoutes")):
        try:
            lines = Path(f"/proc/self/net/{name}").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        rows = [line.split() for line in lines]
        for names, values in pairwise(rows):
            if column in names and names[0] == values[0]:
                found += int(values[names.index(column)])
        found += sum(int(row[1]) for row in rows if row[0] == column)
    return found


def _unshare(flags: int) -> None:
    ctypes.set_errno(0)
    if kernel.libc().unshare(ctypes.c_int(flags)):
        raise kernel.failed("unshare")


def _raise_loopback() -> None:
    import fcntl  # Linux's; this module is imported everywhere

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh22x", b"lo", 0)
        flags = struct.unpack_from("h", fcntl.ioctl(any_socket, GET_FLAGS, asked), 16)[0]
        fcntl.ioctl(any_socket, SET_FLAGS, struct.pack("16sh22x", b"lo", flags | UP))
