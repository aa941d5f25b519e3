"""The self-test: every way out that we know, tried natively, each with what the kernel answered.

Whatever opens is a hole. Nothing is sent where it would leave the machine if the test failed: see `run`.
"""

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from syncse_local.isolation import kernel

NOWHERE, NOWHERE6 = "192.0.2.1", "2001:db8::1"
"""Addresses that are kept for documentation: nobody has them."""
NAME = b"syncse-self-test.invalid"
"""A name that is reserved never to exist."""
DISCARD = 9
"""A port that nothing listens on."""
VSOCK = 40
"""The family by which a virtual machine speaks to its host."""
SHUT = {
    *(errno.EACCES, errno.EPERM, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENOSYS),
    errno.EAFNOSUPPORT,
}
"""What a kernel answers that will not. Other errors mean that the attempt got further: ECONNREFUSED or a time-out."""

FILES = ("reading a file outside", "writing a file outside")
"""The attempts that are no way to the network."""

Outcome = dict[str, str]


def run(targets: dict[str, Any], sockets: str, filtered: bool, apart: bool) -> dict[str, Outcome]:
    """Try all; each outcome has `result`: `shut`, `open` or `not tried`, and `said`.

    `filtered`: the system-call filter is on; `apart`: the network is a namespace. Where neither holds nothing is tried
    that would send a packet. `targets` are listeners outside that are real: on loopback, a Unix path, an abstract name.
    """
    nothing_leaves = apart or (filtered and sockets == "none")
    own_network = sockets != "none"
    ways: dict[str, tuple[bool, Callable[[], None]]] = {
        "TCP": (nothing_leaves, lambda: _connect(socket.AF_INET, socket.SOCK_STREAM, _ip4(NOWHERE, DISCARD))),
        "TCP over IPv6": (nothing_leaves, lambda: _connect(socket.AF_INET6, socket.SOCK_STREAM, _ip6(NOWHERE6))),
        "UDP": (nothing_leaves, lambda: _datagram(socket.AF_INET, _ip4(NOWHERE, DISCARD))),
        "UDP over IPv6": (nothing_leaves, lambda: _datagram(socket.AF_INET6, _ip6(NOWHERE6))),
        "DNS": (nothing_leaves, _look_up),
        "a service on this machine's loopback": ("loopback" in targets, lambda: _loopback(targets, own_network)),
        "a Unix socket by path": ("unix" in targets, lambda: _unix(os.fsencode(targets["unix"]))),
        "an abstract Unix socket": ("abstract" in targets, lambda: _unix(b"\0" + targets["abstract"].encode())),
        "packet sockets": (True, lambda: _opened(socket.AF_PACKET, socket.SOCK_RAW)),
        "raw sockets": (True, lambda: _opened(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)),
        "the virtual machine's host": (True, lambda: _opened(VSOCK, socket.SOCK_STREAM)),
        "io_uring": (True, lambda: _io_uring()),
        "a child process": (nothing_leaves, _child),
        FILES[0]: ("file" in targets, lambda: _open(targets["file"], os.O_RDONLY)),
        FILES[1]: ("file" in targets, lambda: _open(targets["file"], os.O_WRONLY)),
    }
    return {name: _outcome(attempt) if tried else _not_tried() for name, (tried, attempt) in ways.items()}


def _not_tried() -> Outcome:
    return {"result": "not tried", "said": "no layer holds it, and it would have left or reached something"}


def _outcome(attempt: Callable[[], None]) -> Outcome:
    try:
        attempt()
    except OSError as error:
        name = errno.errorcode.get(error.errno or 0, str(error.errno))
        return {"result": "shut" if error.errno in SHUT else "open", "said": f"{name} from {error.strerror}"}
    return {"result": "open", "said": "it worked"}


def _native(what: str, result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, what)
    return result


def _socket(family: int, kind: int, protocol: int = 0) -> int:
    return _native("socket", kernel.libc().socket(int(family), int(kind) | socket.SOCK_NONBLOCK, protocol))


def _opened(family: int, kind: int, protocol: int = 0) -> None:
    os.close(_socket(family, kind, protocol))


def _connect(family: int, kind: int, address: bytes, waits: bool = False) -> None:
    made = _socket(family, kind)
    if waits:
        os.set_blocking(made, True)
    try:
        _native("connect", kernel.libc().connect(made, address, len(address)))
    finally:
        os.close(made)


def _datagram(family: int, address: bytes) -> None:
    made = _socket(family, socket.SOCK_DGRAM)
    try:
        _native("sendto", kernel.libc().sendto(made, b"x", 1, 0, address, len(address)))
    finally:
        os.close(made)


def _loopback(targets: dict[str, Any], own_network: bool) -> None:
    try:
        _connect(socket.AF_INET, socket.SOCK_STREAM, _ip4("127.0.0.1", targets["loopback"]), waits=True)
    except OSError as error:
        if own_network and error.errno == errno.ECONNREFUSED:  # the listener is there, on another loopback
            raise OSError(errno.EHOSTUNREACH, "connect: nobody listens in here") from None
        raise


def _unix(name: bytes) -> None:
    address = struct.pack("H", socket.AF_UNIX) + name + (b"" if name.startswith(b"\0") else b"\0")
    try:
        _connect(socket.AF_UNIX, socket.SOCK_STREAM, address)
    except OSError as error:
        if error.errno == errno.ECONNREFUSED and name.startswith(b"\0"):  # the listener is there, in another network
            raise OSError(errno.EHOSTUNREACH, "connect: no such name in here") from None
        raise


def _look_up() -> None:
    found = ctypes.c_void_p()
    code = kernel.libc().getaddrinfo(NAME, b"80", None, ctypes.byref(found))
    if code:  # nobody was asked, or nobody could be: the watcher's and the namespace's counts say which
        raise OSError(errno.EHOSTUNREACH, f"getaddrinfo ({code})")


def _io_uring() -> None:
    parameters = ctypes.create_string_buffer(120)  # the kernel's struct io_uring_params
    os.close(kernel.call("io_uring_setup", 1, parameters))


def _child() -> None:
    """A child tries TCP and ends with the errno."""
    child = os.fork()
    if child == 0:
        code = 0
        try:
            _connect(socket.AF_INET, socket.SOCK_STREAM, _ip4(NOWHERE, DISCARD))
        except OSError as error:
            code = error.errno or 255
        os._exit(code)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status:
        raise OSError(status, "connect in the child")


def _open(path: str, how: int) -> None:
    with suppress(FileNotFoundError):
        os.close(os.open(path, how))


def _ip4(host: str, port: int) -> bytes:
    return struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + socket.inet_aton(host) + bytes(8)


def _ip6(host: str) -> bytes:
    flow = bytes(4)
    address = socket.inet_pton(socket.AF_INET6, host)
    return struct.pack("=H", socket.AF_INET6) + struct.pack(">H", DISCARD) + flow + address + bytes(4)
