"""The few system calls that the layers need, by number: the C library has no names for them. Linux on x86-64 and aarch64."""

import ctypes
import errno
import os
import platform
import sys
from functools import cache

X86, ARM = "x86_64", "aarch64"
NUMBERS: dict[str, tuple[int, int]] = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "sendto": (44, 206),
    "sendmmsg": (307, 269),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "setns": (308, 268),
    "unshare": (272, 97),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "seccomp": (317, 277),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
    "capget": (125, 90),
    "capset": (126, 91),
}
"""Each call's number on x86-64 and on aarch64, from the kernel's tables: they never change."""
NO_NEW_PRIVILEGES = 38
"""prctl's name for it, PR_SET_NO_NEW_PRIVS: no program started from here on gains rights by its file."""


def machine() -> str:
    """The processor's kind, as in NUMBERS; empty where this is no Linux, or another processor."""
    kind = platform.machine()
    return kind if sys.platform == "linux" and kind in (X86, ARM) and sys.maxsize > 2**32 else ""


def number(name: str, kind: str = "") -> int:
    """The number of a system call on this machine, or on the kind that is named."""
    return NUMBERS[name][(kind or machine()) == ARM]


@cache
def libc() -> ctypes.CDLL:
    """The C library, its errno kept for each thread."""
    return ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call; pointers are buffers. Raises OSError with the kernel's errno, ENOSYS where we know no numbers."""
    if not machine():
        raise OSError(errno.ENOSYS, f"{name}: not on this system")
    given = [ctypes.c_long(a) if isinstance(a, int) else ctypes.c_void_p(_address(a)) for a in arguments]
    ctypes.set_errno(0)
    result: int = libc().syscall(ctypes.c_long(number(name)), *given)
    if result < 0:
        raise failed(name)
    return result


def _address(buffer: ctypes.Array[ctypes.c_char] | None) -> int | None:
    return None if buffer is None else ctypes.addressof(buffer)


def prctl(option: int, *values: int) -> int:
    """The C library's prctl. Raises OSError."""
    padded = (*values, 0, 0, 0, 0)[:4]
    ctypes.set_errno(0)
    result: int = libc().prctl(ctypes.c_int(option), *(ctypes.c_ulong(v) for v in padded))
    if result < 0:
        raise failed("prctl")
    return result


def failed(what: str) -> OSError:
    """The error that the last native call of this thread ended with."""
    code = ctypes.get_errno()
    return OSError(code, f"{what}: {os.strerror(code)}")
