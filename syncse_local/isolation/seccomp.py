"""The filter of system calls, assembled here: which sockets may be made, and nothing by which a process reaches round it.

A refused call fails with EACCES. Where the kernel can say so (Linux 5.0), a watcher outside hears of each and counts it.
"""

import ctypes
import errno
import struct
from typing import Literal

from syncse_local.isolation import kernel

Sockets = Literal["none", "loopback", "loopback and unix"]
"""Which sockets a worker may make: connected pairs only, or also those of a network of its own, or also Unix sockets."""

ARCHITECTURE = {kernel.X86: 0xC000003E, kernel.ARM: 0xC00000B7}
"""AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64: calls by another table of numbers are not looked at, but fatal."""
X32 = 0x40000000
"""Numbers from here on are x86-64's second table, which nothing uses."""
LOAD, AND, EQUAL, AT_LEAST, RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
"""The five instructions of the kernel's filter machine that are needed."""
ALLOW, REFUSE, TELL, KILL = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x7FC00000, 0x80000000
"""What a filter answers: yes; the errno; ask the watcher; end the process."""
NUMBER, ARCH, ARGUMENTS = 0, 4, 16
"""Where they lie in the record that a filter reads, in bytes; each argument has eight."""
KIND = 0xF
"""The part of a socket's type that is its kind; the rest are flags."""
STREAM, DATAGRAM, PACKETS = 1, 2, 5
"""SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET."""
UNIX, INTERNET, INTERNET6, NETLINK = 1, 2, 10, 16
"""Address families. Netlink's first protocol lists interfaces, as C libraries do to bind to loopback."""
SET_FILTER, NEW_LISTENER = 1, 8
"""Arguments of the system call `seccomp`."""

AROUND = (
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("setns", "unshare", "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen", "fsmount"),
    *("mount_setattr", "open_by_handle_at", "init_module", "finit_module", "delete_module", "kexec_load"),
    *("kexec_file_load", "bpf", "perf_event_open", "add_key", "request_key", "keyctl"),
)
"""Calls by which a process, root's above all, would reach round the rest: other processes, other namespaces, the kernel's
own look-ups of names (request_key)."""
SPEAKING = ("connect", "bind", "listen", "sendmmsg", "pidfd_getfd")
"""Refused too where no socket is needed."""


def program(sockets: Sockets, refuse: int, machine: str) -> bytes:
    """The filter's instructions for a kind of processor; `refuse` is the answer to what is not allowed."""

    def number(name: str) -> int:
        return kernel.number(name, machine)

    def only(name: str, *rule: bytes) -> list[bytes]:
        """A rule for one call: it ends with an answer."""
        return [_jump(EQUAL, number(name), 0, len(rule)), *rule]

    made = [_load(ARCH), _jump(EQUAL, ARCHITECTURE[machine], 1, 0), _answer(KILL), _load(NUMBER)]
    if machine == kernel.X86:
        made += [_jump(AT_LEAST, X32, 0, 1), _answer(KILL)]
    for name in (*AROUND, *(SPEAKING if sockets == "none" else ())):
        made += only(name, _answer(refuse))
    pair = [
        *(_load(_argument(0)), _jump(EQUAL, UNIX, 1, 0), _answer(refuse), _load(_argument(1)), _mask(KIND)),
        *(_jump(EQUAL, STREAM, 2, 0), _jump(EQUAL, PACKETS, 1, 0), _answer(refuse), _answer(ALLOW)),
    ]  # not datagrams: such a pair can still send to any Unix socket by its path
    made += only("socketpair", *pair)
    if sockets == "none":
        made += only("socket", _answer(refuse))
        no_address = [
            *(_load(_argument(4)), _jump(EQUAL, 0, 0, 3), _load(_argument(4) + 4), _jump(EQUAL, 0, 0, 1)),
            *(_answer(ALLOW), _answer(refuse)),
        ]
        made += only("sendto", *no_address)
    else:
        made += only("socket", *_sockets(refuse, unix=sockets == "loopback and unix"))
    return b"".join([*made, _answer(ALLOW)])


def _sockets(refuse: int, unix: bool) -> list[bytes]:
    kinds = [
        *(_load(_argument(1)), _mask(KIND), _jump(EQUAL, STREAM, 2, 0), _jump(EQUAL, DATAGRAM, 1, 0)),
        *(_answer(refuse), _answer(ALLOW)),
    ]
    listing = [_load(_argument(2)), _jump(EQUAL, 0, 1, 0), _answer(refuse), _answer(ALLOW)]
    rules = [_load(_argument(0))]
    for family, rule in ((INTERNET, kinds), (INTERNET6, kinds), (NETLINK, listing)):
        rules += [_jump(EQUAL, family, 0, len(rule)), *rule]
    if unix:
        rules += [_jump(EQUAL, UNIX, 0, 1), _answer(ALLOW)]
    return [*rules, _answer(refuse)]


def install(sockets: Sockets) -> int | None:
    """Put the filter on this process and all that it starts; it cannot be taken off again.

    Returns the descriptor for a watcher outside, or None where the kernel has none to give. Raises OSError.
    """
    machine = kernel.machine()
    if not machine:
        raise OSError(errno.ENOSYS, "no filter for this system")
    kernel.prctl(kernel.NO_NEW_PRIVILEGES, 1)
    try:
        return _install(program(sockets, TELL, machine), NEW_LISTENER)
    except OSError:  # an old kernel, or a container whose own filter has a watcher
        _install(program(sockets, REFUSE, machine), 0)
        return None


def _install(code: bytes, flags: int) -> int:
    instructions = ctypes.create_string_buffer(code, len(code))
    length = len(code) // 8
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", length, ctypes.addressof(instructions)), 16)
    return kernel.call("seccomp", SET_FILTER, flags, header)


def _instruction(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)


def _load(offset: int) -> bytes:
    return _instruction(LOAD, offset)


def _mask(bits: int) -> bytes:
    return _instruction(AND, bits)


def _jump(code: int, value: int, yes: int, no: int) -> bytes:
    return _instruction(code, value, yes, no)


def _answer(value: int) -> bytes:
    return _instruction(RETURN, value)


def _argument(place: int) -> int:
    return ARGUMENTS + 8 * place
