"""The watcher of a confined process: gives it its rules, connects to the servers they name, counts what the kernel refused.

Lives in the supervisor, in threads of its own. Knows no run.
"""

import errno
import os
import secrets
import select
import socket
import struct
import tempfile
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from syncse_local.isolation import kernel, namespace
from syncse_local.isolation.door import read, send
from syncse_local.isolation.rules import Rules

RECEIVE, ANSWER = 0xC0502100, 0xC0182101
"""The ioctls by which a watcher of a filter hears of a call and answers it; their sizes are part of the number."""
ASKED, SAID = 80, 24
"""Bytes of what it hears and of what it answers."""


class Watcher:
    """One confined process's. `descriptor` is for its command line, and must be inherited by it."""

    def __init__(self, rules: Rules) -> None:
        self.report: dict[str, Any] = {}
        self.refused: Counter[str] = Counter()
        """How often the filter refused each system call, the self-test's attempts aside."""
        self._mine, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        shared = rules.network and namespace.is_empty()
        self._targets = Targets(loopback=not shared)
        self.rules = replace(rules, targets=self._targets.named)
        self._names = {kernel.number(name): name for name in kernel.NUMBERS} if kernel.machine() else {}
        self.reported = threading.Event()
        send(self._mine, self.rules.as_dict())  # now: a watcher that is killed leaves a process that knows its rules

    @property
    def descriptor(self) -> int:
        """The confined process's end."""
        return self._theirs.fileno()

    def start(self) -> None:
        """Serve; the process has been started."""
        self._theirs.close()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """The process has ended."""
        self._targets.close()
        with suppress(OSError):
            self._mine.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with suppress(EOFError, OSError, ValueError):
            while True:
                message, came = read(self._mine)
                if "watch" in message and came:
                    threading.Thread(target=self._count, args=(came[0],), daemon=True).start()
                elif "report" in message:
                    self._reported(message["report"])
                    for reply in came:
                        with socket.socket(fileno=reply) as taken:
                            send(taken, {})
                elif came:
                    threading.Thread(target=self._answer, args=(message, came[0]), daemon=True).start()
        self.reported.set()

    def _reported(self, report: dict[str, Any]) -> None:
        self.report = {**report, "refused_in_self_test": sum(self.refused.values())}
        self.refused.clear()
        self._targets.close()
        self.reported.set()

    def _answer(self, message: dict[str, Any], descriptor: int) -> None:
        """Connect to a server that the rules name, or say the counts; nothing else is answered."""
        with socket.socket(fileno=descriptor) as reply, suppress(OSError):
            if "connect" not in message:
                send(reply, {"refused": dict(self.refused)})
                return
            host, port = str(message["connect"][0]), int(message["connect"][1])
            if (host, port) not in self.rules.servers:
                send(reply, {"errno": errno.EACCES, "said": "not a server of this run's"})
                return
            try:
                with socket.create_connection((host, port), message.get("timeout")) as made:
                    made.setblocking(True)
                    send(reply, {"connected": True}, (made.fileno(),))
            except OSError as error:
                send(reply, {"errno": error.errno, "said": error.strerror or str(error)})

    def _count(self, listener: int) -> None:
        """Refuse each call that the filter asks about, and count it by name."""
        import fcntl

        waiting = select.poll()
        waiting.register(listener, select.POLLIN)
        with suppress(OSError):
            while not waiting.poll()[0][1] & select.POLLHUP:
                asked = bytearray(ASKED)
                try:
                    fcntl.ioctl(listener, RECEIVE, asked)
                    identity, number = struct.unpack_from("Q", asked, 0)[0], struct.unpack_from("i", asked, 16)[0]
                    self.refused[self._names.get(number, str(number))] += 1
                    fcntl.ioctl(listener, ANSWER, bytearray(struct.pack("QqiI", identity, 0, -errno.EACCES, 0)))
                except FileNotFoundError:  # the caller was interrupted or has died
                    continue
        os.close(listener)


class Targets:
    """What a self-test must not reach: listeners outside that are real, and a file."""

    def __init__(self, loopback: bool) -> None:
        self.named: dict[str, Any] = {}
        self._open: list[socket.socket] = []
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        with suppress(OSError):
            self._directory = tempfile.TemporaryDirectory(prefix="syncse-self-test-")
            place = Path(self._directory.name)
            (place / "file").write_bytes(b"")
            self.named["file"] = str(place / "file")
            self._listen(socket.AF_UNIX, str(place / "unix"))
            self.named["unix"] = str(place / "unix")
        with suppress(OSError):  # a loopback that confined processes share holds nobody else's services
            if loopback:
                self.named["loopback"] = self._listen(socket.AF_INET, ("127.0.0.1", 0)).getsockname()[1]
        with suppress(OSError):
            name = f"syncse-self-test-{secrets.token_hex(8)}"
            self._listen(socket.AF_UNIX, "\0" + name)
            self.named["abstract"] = name

    def _listen(self, family: int, address: Any) -> socket.socket:
        made = socket.socket(family, socket.SOCK_STREAM)
        self._open.append(made)
        made.bind(address)
        made.listen(8)
        return made

    def close(self) -> None:
        """Nothing listens any more."""
        for made in self._open:
            made.close()
        self._open.clear()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None


def counts(watcher_says: dict[str, Any], report: dict[str, Any]) -> dict[str, int]:
    """What the kernel refused since the self-test: by the filter, as its watcher says, and by a network without a route."""
    found = {str(name): int(count) for name, count in watcher_says.get("refused", {}).items()}
    unrouted = namespace.unrouted() - report.get("unrouted", 0) if "namespace" in report else 0
    return {**found, **({"no route": unrouted} if unrouted > 0 else {})}
