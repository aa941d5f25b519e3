"""Rights that root has and a worker never needs: with them it could leave the namespace or make an interface."""

import ctypes
import struct
from contextlib import suppress

from syncse_local.isolation import kernel

NEVER = {
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_SYS_MODULE": 16,
    "CAP_SYS_RAWIO": 17,
    "CAP_SYS_CHROOT": 18,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
    "CAP_MKNOD": 27,
    "CAP_PERFMON": 38,
    "CAP_BPF": 39,
}
"""Numbers from the kernel's capability.h."""
VERSION = 0x20080522
"""The kernel's third layout of capget and capset: two words of 32 bits for each set."""
DROP_BOUNDING = 24
"""prctl's PR_CAPBSET_DROP."""
MOST = 64
"""Bits of a set."""


def drop(all_of_them: bool) -> None:
    """Give up those rights, or all, for good and for every child. Raises OSError where the kernel does not let go."""
    gone = range(MOST) if all_of_them else NEVER.values()
    for number in gone:
        with suppress(OSError):  # the kernel knows fewer numbers than 64, and lets only the privileged narrow the bound
            kernel.prctl(DROP_BOUNDING, number)
    header = ctypes.create_string_buffer(struct.pack("Ii", VERSION, 0), 8)
    data = ctypes.create_string_buffer(24)
    kernel.call("capget", header, data)
    words = list(struct.unpack("6I", data.raw))  # effective, permitted, inheritable; the low halves, then the high ones
    for number in gone:
        for kind in range(3):
            words[number // 32 * 3 + kind] &= ~(1 << number % 32) & 0xFFFFFFFF
    kernel.call("capset", header, ctypes.create_string_buffer(struct.pack("6I", *words), 24))
