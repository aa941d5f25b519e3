"""Measures the terminal UI in a terminal of its own (a pty): first paint, keys while a run writes, CPU when nothing happens.

    python scripts/bench_tui.py --workspace DIR [--rows 1000000] [--keys 200] [--rate 2000] [--idle 20]

DIR is a workspace of scripts/bench_store.py; where there is none it is made with its steps (minutes for a million rows).
First paint: from starting the process to the first line of a frame in the terminal, best and worst of several starts. A key is
answered when the terminal has received the row number that it leads to: the whole way through pty, program and back; a row is
there when its texts have come too. Meanwhile another process writes events into the workspace, each in a transaction of its own.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median

from terminal import Terminal

from syncse_local.api import Workspace
from syncse_local.jobs import liveness, supervise
from syncse_local.store import runs

STARTS = 5
KEYS = {
    "j": b"j",
    "k": b"k",
    "down": b"\x1b[B",
    "page down": b"\x1b[6~",
    "page up": b"\x1b[5~",
    "end": b"G",
    "top": b"g",
}
ORDER = ("j", "down", "j", "page down", "k", "page down", "j", "end", "k", "page up", "j", "top")
ROW = re.compile(rb"row ([\d,]+) of ([\d,]+)")
DRAWN = re.compile(r"▶\s*([\d,]+) [✓✗▽]".encode())
SETTLE = 3.0
READ_ONCE = 45.0
"""Seconds in which a large run has been read: what it was rejected for is counted when a screen first follows it, and once more,
after a rest of ten times as long, where opening the workspace has itself changed something in it."""


def make(directory: Path, rows: int) -> None:
    """The workspace, with the steps of bench_store that it takes to look at triplets."""
    store = Path(__file__).with_name("bench_store.py")
    for step in ("plan", "answer", "index"):
        command = [sys.executable, str(store), "--rows", str(rows), "--workspace", str(directory), "--step", step]
        subprocess.run(command, check=True)


def opened(directory: Path, screen: str) -> Terminal:
    """The program in a terminal, on a screen."""
    command = [sys.executable, "-m", "syncse_local.cli.start", "tui", "--screen", screen, "--workspace", str(directory)]
    return Terminal(command)


def first_paint(directory: Path, screen: str) -> dict[str, float]:
    """Seconds to the first frame, and on the screen of triplets to the first rows."""
    frames, filled = [], []
    for _ in range(STARTS):
        with opened(directory, screen) as terminal:
            frames.append(terminal.until(lambda seen: b"syncse-local" in seen))
            if screen == "triplets":
                filled.append(terminal.until(lambda seen: DRAWN.search(seen) is not None))
    found = {"median s": median(frames), "worst s": max(frames)}
    return found | ({"rows there, median s": median(filled)} if filled else {})


def key_presses(directory: Path, keys: int, rate: int) -> dict[str, float]:
    """Milliseconds from a key to its answer, while another process writes `rate` events a second."""
    draw, answered, there = random.Random(0), [], []
    with opened(directory, "triplets") as terminal:
        terminal.until(lambda seen: any(_number(total) > 1000 for _, total in ROW.findall(seen)))
        with Writer(directory, rate) as writer:
            time.sleep(SETTLE)
            terminal.drain()
            row = 1
            for number in range(keys):
                before = row
                terminal.press(KEYS[ORDER[number % len(ORDER)]])
                answered.append(1000 * terminal.until(partial(_left, before)))
                row = _row(terminal.seen, before)
                there.append(1000 * terminal.until(partial(_drawn, row)))
                time.sleep(draw.uniform(0.02, 0.1))
                terminal.drain()
    answered, there = sorted(answered), sorted(there)
    return {
        "keys": keys, "median ms": median(answered), "p95 ms": _p95(answered), "worst ms": answered[-1],
        "row there, median ms": median(there), "row there, p95 ms": _p95(there), "events/s": writer.rate,
    }  # fmt: skip


def _number(text: bytes) -> int:
    return int(text.replace(b",", b""))


def _row(seen: bytes, before: int) -> int:
    found = ROW.findall(seen)
    return _number(found[-1][0]) if found else before


def _left(before: int, seen: bytes) -> bool:
    return _row(seen, before) != before


def _drawn(row: int, seen: bytes) -> bool:
    return any(_number(found) == row for found in DRAWN.findall(seen))


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


def idle(directory: Path, screen: str, seconds: float) -> dict[str, float]:
    """The program's share of one core while nothing happens."""
    with opened(directory, screen) as terminal:
        terminal.until(lambda seen: b"syncse-local" in seen)
        deadline = time.monotonic() + READ_ONCE
        while time.monotonic() < deadline:
            terminal.drain()
            time.sleep(0.05)
        spent, began = terminal.cpu_seconds(), time.monotonic()
        while time.monotonic() - began < seconds:
            terminal.drain()
            time.sleep(0.2)
        return {"CPU %": 100 * (terminal.cpu_seconds() - spent) / (time.monotonic() - began)}


class Writer:
    """Another process that writes events; `rate` is what it came to."""

    def __init__(self, directory: Path, rate: int) -> None:
        self.command = [sys.executable, __file__, "--workspace", str(directory), "--rate", str(rate), "--write"]
        self.rate = 0.0

    def __enter__(self) -> "Writer":
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=60)[0]
        self.rate = float(json.loads(said)["events/s"])


def write(directory: Path, rate: int) -> None:
    """Write events as a run until SIGTERM, then say how many a second, and take the run out again."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    with Workspace(directory) as workspace:
        run = runs.create(workspace.connection, "train", {}, "bench")
        lock = liveness.acquire(supervise.run_directory(directory, run.id) / "lock")
        runs.move(workspace.connection, run.id, "queued", "running")
        began, count = time.monotonic(), 0
        while not stopped:
            if count < rate * (time.monotonic() - began):
                runs.add_event(workspace.connection, run.id, "warning", {"text": f"event {count}"})
                count += 1
            else:
                time.sleep(0.001)
        print(json.dumps({"events/s": count / (time.monotonic() - began)}))
        workspace.connection.execute("DELETE FROM event WHERE run_id = ?", (run.id,))
        workspace.connection.execute("DELETE FROM run WHERE id = ?", (run.id,))
        if lock is not None:
            os.close(lock)


def main() -> None:
    """Measure everything, or be the writer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--idle", type=float, default=20.0)
    parser.add_argument("--only", default="", help="only the steps with this word in their name")
    parser.add_argument("--write", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    where = options.workspace.resolve()
    if options.write:
        write(where, options.rate)
        return
    if not (where / "syncse.db").exists():
        make(where, options.rows)
    steps: dict[str, Callable[[], dict[str, float]]] = {
        "first paint, home": lambda: first_paint(where, "home"),
        "first paint, triplets": lambda: first_paint(where, "triplets"),
        "keys, nothing written": lambda: key_presses(where, options.keys, 0),
        "keys while a run writes": lambda: key_presses(where, options.keys, options.rate),
        "idle, home": lambda: idle(where, "home", options.idle),
        "idle, triplets": lambda: idle(where, "triplets", options.idle),
    }
    for step, figures in ((step, figures) for step, figures in steps.items() if options.only in step):
        print(f"{step:24}", ", ".join(f"{key} {value:,.3g}" for key, value in figures().items()), flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
