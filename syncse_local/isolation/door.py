"""The one way out of a confined worker: a socket to the watcher outside, which connects to the servers that are named.

A request is one message with a reply socket of its own, so threads do not wait for each other. Knows no protocol beyond.
"""

import json
import os
import socket
from typing import Any

LARGEST = 1 << 16
"""Bytes of a message in the socket itself: less than what systems give one by default."""
IN_A_FILE = "in a file"
"""The key of a message that says how many bytes the real one has."""

_opened: "Door | None" = None


class Door:
    """The worker's end."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)

    def receive(self) -> dict[str, Any]:
        """The next message of the watcher's. Raises EOFError where it has gone."""
        return read(self._socket)[0]

    def tell(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        """Say something that has no answer."""
        send(self._socket, message, descriptors)

    def ask(self, message: dict[str, Any], patience: float | None = None) -> tuple[dict[str, Any], list[int]]:
        """The watcher's answer and the descriptors that come with it. Raises OSError, TimeoutError, EOFError."""
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with mine:
            with theirs:
                self.tell(message, (theirs.fileno(),))
            mine.settimeout(patience)
            return read(mine)

    def connect(self, address: tuple[str, int], timeout: float | None = None, source: object = None) -> socket.socket:
        """A socket connected to a server that the rules name, as socket.create_connection. Raises OSError."""
        patience = timeout if isinstance(timeout, int | float) else None
        try:
            answer, came = self.ask({"connect": list(address), "timeout": patience}, patience and patience + 1)
        except EOFError:
            raise ConnectionRefusedError("the run's watcher has gone: no connection leaves any more") from None
        if not came:
            raise OSError(answer.get("errno") or 0, str(answer.get("said")))
        made = socket.socket(fileno=came[0])
        made.settimeout(patience)
        return made


def open_by(descriptor: int) -> Door:
    """Make this process's door of the descriptor that it was started with."""
    global _opened
    _opened = Door(descriptor)
    return _opened


def opened() -> Door | None:
    """This process's door, or None where it is not confined."""
    return _opened


def send(through: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    """Write one message; a long one, as of a model with thousands of links, goes as a file of its own."""
    content = json.dumps(message).encode()
    if len(content) <= LARGEST:
        socket.send_fds(through, [content], descriptors)
        return
    with open(os.memfd_create("syncse-message"), "w+b") as file:
        file.write(content)
        file.flush()
        socket.send_fds(through, [json.dumps({IN_A_FILE: len(content)}).encode()], (*descriptors, file.fileno()))


def read(through: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Read one message and the descriptors that came with it. Raises EOFError at the end."""
    content, descriptors, _, _ = socket.recv_fds(through, LARGEST, 2)
    if not content:
        raise EOFError
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    found: dict[str, Any] = json.loads(content)
    if IN_A_FILE in found and descriptors:
        with open(descriptors.pop(), "rb") as file:
            file.seek(0)  # both ends share the place in the file
            found = json.loads(file.read())
    return found, descriptors
