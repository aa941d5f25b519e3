"""Training and encoding beside other work: alone, then with one and with four processes that each keep a core busy.

    python scripts/bench_shared.py [--seconds 12] [--neighbours 0 1 4] [--encoder DIR]

Every figure comes from a process of its own that waits as a run's worker does; evaluation and the filters encode by the same
`Encoder.encode`. For each it prints the rate by the clock and by CPU second, the cores it had of its fair share (all cores
by the number of busy processes, one of them ours), and its rate as a multiple of what that share is worth, which is the rate
alone times the share of the cores. The aim is 0.67 and above; `--plain` shows the same without the change of waiting.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from syncse_local import airgap, machine
from syncse_local.jobs import shared_cores
from syncse_local.jobs.supervise import SPINS

airgap.set_switches()

BUSY = "while True: pass"
SETTLING = 4.0
"""Seconds before the clock starts: a worker looks at its cores each second, and its first looks are not what a run has."""
LANES = ("train", "encode")
WORDS = "the a man woman dog train guitar rain street garden plays runs sees holds red green old young near under with".split()


class Window:
    """Counts what is done between two moments, once the process has settled."""

    def __init__(self, seconds: float) -> None:
        self.begins = time.monotonic() + SETTLING
        self.seconds, self.started, self.cpu, self.done, self.over = seconds, 0.0, 0.0, 0, False

    def add(self, done: int) -> None:
        """So many more; the window opens and ends at such a moment."""
        now = time.monotonic()
        if self.started:
            self.done += done
            self.over = now - self.started >= self.seconds
        elif now >= self.begins:
            self.started, self.cpu = now, time.process_time()

    def figures(self) -> dict[str, float]:
        """Rates by the clock and by CPU second, and the cores had."""
        wall, cpu = time.monotonic() - self.started, time.process_time() - self.cpu
        return {"rate": self.done / wall, "by_cpu": self.done / cpu, "cores": cpu / wall}


class Steps:
    """A reporter that counts triplets in a window and then stops the training."""

    def __init__(self, window: Window, batch: int) -> None:
        self.window, self.batch = window, batch

    def progress(self, done: int, total: int, **data: object) -> None:
        """A step was made."""
        self.window.add(self.batch)

    def event(self, kind: str, **data: object) -> None:
        """Nothing."""

    def metric(self, name: str, step: int, value: float) -> None:
        """Nothing."""

    def cancelled(self) -> bool:
        """Asked between chunks."""
        return self.window.over


def sentence(draw: random.Random) -> str:
    """6 to 18 words."""
    return " ".join(draw.choices(WORDS, k=draw.randint(6, 18)))


def lane(name: str, seconds: float, encoder: Path, plain: bool) -> dict[str, float]:
    """One lane's figures, in this process."""
    from syncse_local.encoders.transformer import Encoder
    from syncse_local.records import Triplet
    from syncse_local.training.loop import train
    from syncse_local.training.options import TrainOptions

    if not plain:
        shared_cores.watch()
    draw, window = random.Random(1), Window(seconds)
    if name == "encode":
        model, texts = Encoder.load(encoder), [sentence(draw) for _ in range(100)]
        while not window.over:
            model.encode(texts)
            window.add(len(texts))
        return window.figures()
    rows, batch = [Triplet(sentence(draw), sentence(draw), sentence(draw)) for _ in range(1000)], 32
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        options = TrainOptions(
            encoder, folder / "out", folder / "checkpoint", batch_size=batch, epochs=10_000, checkpoint_every=10**6
        )
        train(options, rows, [], Steps(window, batch))
    return window.figures()


def measured(name: str, neighbours: int, options: argparse.Namespace) -> dict[str, float]:
    """One lane in a process of its own, beside so many busy ones; each in a session of its own, as runs are."""
    busy = [subprocess.Popen([sys.executable, "-c", BUSY], start_new_session=True) for _ in range(neighbours)]
    try:
        command = [sys.executable, __file__, "--lane", name, "--seconds", str(options.seconds)]
        command += ["--encoder", str(options.encoder), *(["--plain"] if options.plain else [])]
        env = {"GOMP_SPINCOUNT": SPINS, **machine.thread_limits(), **os.environ}
        done = subprocess.run(command, env=env, start_new_session=True, stdout=subprocess.PIPE, text=True, check=True)
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures
    finally:
        for process in busy:
            process.kill()
            process.wait()


def main() -> None:
    """Print the table."""
    from syncse_local.paths import starter_encoder

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--neighbours", type=int, nargs="+", default=[0, 1, 4])
    parser.add_argument("--encoder", type=Path, default=starter_encoder())
    parser.add_argument("--plain", action="store_true", help="threads wait as GOMP_SPINCOUNT says, whatever else runs")
    parser.add_argument("--lane", choices=LANES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.lane:
        print(json.dumps(lane(options.lane, options.seconds, options.encoder, options.plain)))
        return
    cores = machine.cores()
    print(f"{cores} cores, load {os.getloadavg()[0]:.1f} at the start, {options.seconds:g} s each, spins {SPINS}")
    print(f"{'':8}{'neighbours':>11}{'a second':>10}{'a CPU s':>9}{'cores':>7}{'fair':>6}{'of fair':>9}")
    for name in LANES:
        alone = 0.0
        for neighbours in sorted({0, *options.neighbours}):
            found = measured(name, neighbours, options)
            alone = alone or found["rate"]
            fair = cores / (1 + neighbours)
            ratio = found["rate"] / (alone * fair / cores)
            print(
                f"{name:8}{neighbours:11}{found['rate']:10.1f}{found['by_cpu']:9.1f}{found['cores']:7.2f}{fair:6.2f}{ratio:9.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
