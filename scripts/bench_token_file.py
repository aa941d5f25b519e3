"""How much memory and time the token ids of many triplets take: made-up triplets, streamed to a directory and read in batches.

    python scripts/bench_token_file.py [--rows 1000000] [--encoder DIR] [--folder DIR]

Prints rows/s, bytes on disk, and by how much the process's peak memory grew, before and after as many batches as one epoch has.
"""

import argparse
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from syncse_local import airgap

airgap.set_switches()

from syncse_local.encoders.transformer import Encoder  # noqa: E402
from syncse_local.paths import starter_encoder  # noqa: E402
from syncse_local.records import Triplet  # noqa: E402
from syncse_local.training.data import BatchPlan, TripletData  # noqa: E402
from syncse_local.training.options import TrainOptions  # noqa: E402

WORDS = "the a man woman dog train guitar rain street garden plays runs sees holds red green old young near under with".split()


class MadeUp:
    """So many triplets, drawn anew each time they are iterated."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[Triplet]:
        draw = random.Random(1)
        for i in range(self.rows):
            first, second, third = (" ".join(draw.choices(WORDS, k=draw.randint(6, 18))) for _ in range(3))
            yield Triplet(f"{first} {i}", second, third)


def peak() -> float:
    """MiB this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--encoder", type=Path, default=starter_encoder())
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary directory)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        settings = TrainOptions(options.encoder, folder / "out", folder / "checkpoint")
        encoder = Encoder.load(options.encoder)
        TripletData.prepare(MadeUp(1000), encoder, settings)  # the libraries' own memory
        before, started = peak(), time.perf_counter()
        data = TripletData.prepare(MadeUp(options.rows), encoder, settings)
        taken, written = time.perf_counter() - started, peak()
        size = sum(path.stat().st_size for path in settings.token_folder.iterdir())
        print(
            f"{options.rows} triplets, {len(data.tokens.flat)} tokens: {options.rows / taken:.0f} rows/s, {size / 2**20:.0f} MiB on disk"
        )
        plan = BatchPlan(data.keys, settings)
        started = time.perf_counter()
        for step in range(plan.count(0)):
            data.tokens.ids(np.sort(data.index[plan.rows(step)].reshape(-1)))
        print(f"one epoch's {plan.count(0)} batches read in {time.perf_counter() - started:.1f} s")
        print(f"peak memory {before:.0f} MiB before, {written:.0f} after writing, {peak():.0f} after an epoch")


if __name__ == "__main__":
    main()
