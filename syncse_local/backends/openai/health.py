"""What one server can take now: requests in flight, how long an answer may take, whether it answers at all.

Starts with one request, so that a server's ways are learnt once, and grows with the answers; shrinks when the server is late
or crowded. Arithmetic under a lock; knows no connection.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import NamedTuple

HOPELESS = 20
"""Faults in a row, with no answer between them, after which a row is not asked again: it is not one bad moment."""
STRETCHED = 8.0
"""How many times as long as at first a server may be silent that was too late again and again."""


class Allowance(NamedTuple):
    """Seconds that a request may take: `silence` while nothing is heard of the server, `most` in all; and when it began."""

    silence: float
    most: float
    epoch: int


@dataclass(slots=True)
class Health:
    """`most` requests in flight at most, `timeout` seconds of silence at first. Any thread may use it.

    `faults` of any kind in a row; `turned_away`: how often in a row it was not there or had no room.
    """

    most: int
    timeout: float
    window: int = 1
    heard: float = field(default_factory=time.monotonic)
    quiet_until: float = 0.0
    faults: int = 0
    turned_away: int = 0
    _stretch: float = 1.0
    _in_flight: int = 0
    _epoch: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """A run begins: what was silent before it does not count."""
        with self._lock:
            self.heard, self.quiet_until = time.monotonic(), 0.0
            self.faults = self.turned_away = 0

    @property
    def in_flight(self) -> int:
        """Requests that have begun and not ended."""
        return self._in_flight

    def begin(self) -> Allowance:
        """A request begins. Silence counts from the server's last answer to anyone.

        A server that does one request at a time answers the last of eight after eight times as long as the first, and is
        not silent for longer than one takes.
        """
        with self._lock:
            self._in_flight += 1
            silence = self.timeout * self._stretch
            return Allowance(silence, silence * self._in_flight, self._epoch)

    def end(self) -> None:
        """A request has ended, however it did."""
        with self._lock:
            self._in_flight -= 1

    def answered(self) -> None:
        """An answer came."""
        with self._lock:
            self.heard, self.faults, self.turned_away = time.monotonic(), 0, 0
            self.window = min(self.most, self.window + 1)

    def failed(self, allowance: Allowance, kind: str) -> None:
        """An attempt went wrong, by the kind of its fault. A late or crowded server gets less to do, and a late one more time;
        one that is not there is looked for by one request. All requests that met the same moment count once in this."""
        with self._lock:
            self.faults += 1
            if kind in ("late", "crowded", "unreachable") and allowance.epoch == self._epoch:
                self._epoch += 1
                self.window = 1 if kind == "unreachable" else max(1, self.window // 2)
                self.turned_away += kind != "late"
                self._stretch = min(STRETCHED, self._stretch * (2.0 if kind == "late" else 1.0))

    def silent(self, now: float) -> float:
        """Seconds since the server answered anything, or since the run began."""
        return now - self.heard

    @property
    def hopeless(self) -> bool:
        """Whether the server has only failed for a while."""
        return self.faults >= HOPELESS
