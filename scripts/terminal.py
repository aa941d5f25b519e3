"""A program in a pseudo-terminal of 120x40: keys in, what it paints out, and when. Knows nothing of the program."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

SIZE = (40, 120)
PATIENCE = 60.0
TICKS = os.sysconf("SC_CLK_TCK")


class Terminal:
    """Starts the program; `seen` is what it has painted since the last key or `drain`."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.seen = b""
        self._since = 0.0

    def __enter__(self) -> "Terminal":
        self._mine, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm-256color"}
        self._since = time.perf_counter()
        self.process = subprocess.Popen(
            self.command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        while self.process.poll() is None:
            self._read(0.05)
        os.close(self._mine)

    def press(self, key: bytes) -> None:
        """Send a key, and count the time from now."""
        self.seen, self._since = b"", time.perf_counter()
        os.write(self._mine, key)

    def until(self, found: Callable[[bytes], bool]) -> float:
        """Read until the condition holds; seconds since the last key or the start. Raises TimeoutError."""
        while not found(self.seen):
            if time.perf_counter() - self._since > PATIENCE:
                raise TimeoutError(f"not seen in {PATIENCE:.0f} s; the last lines: {self.seen[-400:]!r}")
            self._read(0.05)
        return time.perf_counter() - self._since

    def drain(self) -> None:
        """Read what is there and forget it."""
        while self._read(0):
            pass
        self.seen = b""

    def end(self) -> int:
        """Read until the program has ended; its exit status. Raises TimeoutError."""
        self._since = time.perf_counter()
        self.until(lambda _: self.process.poll() is not None)
        while self._read(0):
            pass
        return self.process.wait()

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, as it does before a program takes it over."""
        return bool(termios.tcgetattr(self._mine)[3] & termios.ECHO)

    def cpu_seconds(self) -> float:
        """Processor time the program has used so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def _read(self, wait: float) -> bool:
        if not select.select([self._mine], [], [], wait)[0]:
            return False
        with suppress(OSError):  # the program has gone
            if data := os.read(self._mine, 65_536):
                self.seen += data
                return True
        return False
