"""Energy while something runs: RAPL counters of the CPU packages and the power NVIDIA GPUs report, where they can be read.

What is read is the whole part's, other processes' share included. Standard library only; knows no training.
"""

import csv
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")
INTERVAL = 5.0
"""Seconds between readings: RAPL's counters wrap after some minutes, power is taken as constant in between."""
_SMI = ("nvidia-smi", "--query-gpu=index,power.draw", "--format=csv,noheader,nounits")


@dataclass
class _Counter:
    """One package's counter of microjoules, which starts again at `limit`."""

    name: str
    path: Path
    limit: int
    last: int


@dataclass
class Meter:
    """Joules by part from `start` on; a part that cannot be read is not there. `gpus` are the indices to ask for."""

    gpus: Sequence[int] = ()
    powercap: Path = POWERCAP
    interval: float = INTERVAL
    joules: dict[str, float] = field(default_factory=dict)

    def start(self) -> "Meter":
        """Begin to read, in a thread of its own."""
        self._counters = _counters(self.powercap)
        self._power, self._at = _power(self.gpus), time.monotonic()
        self._stop, self._lock = threading.Event(), threading.Lock()
        if self._counters or self._power:
            self._thread = threading.Thread(target=self._run, name="energy", daemon=True)
            self._thread.start()
        return self

    def read(self) -> dict[str, float]:
        """Joules by part until now."""
        with self._lock:
            self._sample()
            return {name: round(value, 3) for name, value in self.joules.items()}

    def stop(self) -> dict[str, float]:
        """The last reading; the thread ends."""
        self._stop.set()
        return self.read()

    def _run(self) -> None:
        while not self._stop.wait(self.interval):
            with self._lock:
                self._sample()

    def _sample(self) -> None:
        for counter in self._counters:
            value = _number(counter.path)
            if value is not None:
                used = value - counter.last if value >= counter.last else value + counter.limit - counter.last
                self.joules[counter.name] = self.joules.get(counter.name, 0.0) + used / 1e6
                counter.last = value
        now = time.monotonic()
        if not self._power:
            return
        power = _power(self.gpus)
        for name, watts in power.items():
            mean = (watts + self._power.get(name, watts)) / 2
            self.joules[name] = self.joules.get(name, 0.0) + mean * (now - self._at)
        self._power, self._at = power or self._power, now


def _counters(powercap: Path) -> list[_Counter]:
    """The packages' counters that this process may read (often the administrator alone may)."""
    found = []
    for folder in sorted(powercap.glob("*-rapl:*")):
        try:
            name = (folder / "name").read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        value, limit = _number(folder / "energy_uj"), _number(folder / "max_energy_range_uj")
        if name.startswith("package") and value is not None and limit is not None:
            found.append(_Counter(f"CPU {name} (RAPL)", folder / "energy_uj", limit, value))
    return found


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _power(gpus: Sequence[int]) -> dict[str, float]:
    """Watts of these GPUs; those that do not say are left out."""
    if not gpus:
        return {}
    try:
        done = subprocess.run(_SMI, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    found = {}
    for row in csv.reader(done.stdout.splitlines(), skipinitialspace=True):
        try:
            index, watts = int(row[0]), float(row[1])
        except (ValueError, IndexError):
            continue
        if index in gpus:
            found[f"GPU {index} (nvidia-smi)"] = watts
    return found
