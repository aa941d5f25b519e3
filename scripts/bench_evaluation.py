"""Time the encoding of the STS tasks: ours against SentEval's way of doing it, turn about, on the same encoder.

    python scripts/bench_evaluation.py --senteval DIR [--encoder DIR] [--rounds 3]

Ours: each distinct sentence once, in length-sorted batches, within one evaluation (no cache between rounds), reading and
scoring included. SentEval's: batches of 128, both sides of every pair, padded to the longest; as the pairs come, and, as
its sts.py has it, sorted by the first side's length within each file. The same model and arithmetic on both sides.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from syncse_local import airgap

airgap.set_switches()

from syncse_local.encoders.transformer import Encoder  # noqa: E402
from syncse_local.evaluation.metrics import paired_cosine, spearman  # noqa: E402
from syncse_local.evaluation.readers import read_tasks  # noqa: E402
from syncse_local.evaluation.run import evaluate  # noqa: E402
from syncse_local.evaluation.sts import StsData  # noqa: E402
from syncse_local.evaluation.tasks import SEVEN  # noqa: E402
from syncse_local.paths import starter_encoder  # noqa: E402
from syncse_local.records import ScoredPair  # noqa: E402

BATCH = 128
Scores = dict[str, float]


class Silent:
    """A reporter for nobody."""

    def progress(self, done: int, total: int, **data: object) -> None:
        """Nothing."""

    def event(self, kind: str, **data: object) -> None:
        """Nothing."""

    def metric(self, name: str, step: int, value: float) -> None:
        """Nothing."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def ours(encoder: Encoder, senteval: Path) -> Scores:
    """The evaluation as a run does it."""
    scores = evaluate(encoder.encode, SEVEN, senteval, Silent()).scores
    return {score.task: score.value or 0.0 for score in scores}


def sentevals(encoder: Encoder, senteval: Path, by_length: bool) -> Scores:
    """Each batch of pairs encoded on its own: the first sides, then the second ones."""
    found = {}
    for data in read_tasks(SEVEN, senteval)[0]:
        assert isinstance(data, StsData)
        cosines, gold = [], []
        for pairs in data.subsets.values():
            for batch in batches(sorted(pairs, key=lengths) if by_length else pairs):
                first, second = (
                    encode(encoder, side) for side in zip(*((p.first, p.second) for p in batch), strict=True)
                )
                cosines.append(paired_cosine(first, second))
                gold += [pair.gold for pair in batch]
        found[data.name] = spearman(gold, np.concatenate(cosines)) or 0.0
    return found


def lengths(pair: ScoredPair) -> tuple[int, int, float]:
    """SentEval's order of pairs, by words."""
    return len(pair.first.split()), len(pair.second.split()), pair.gold


def batches(pairs: list[ScoredPair]) -> Iterator[list[ScoredPair]]:
    """Runs of BATCH pairs."""
    for start in range(0, len(pairs), BATCH):
        yield pairs[start : start + BATCH]


def encode(encoder: Encoder, sentences: tuple[str, ...]) -> np.ndarray:
    """One padded batch."""
    return encoder.encode(sentences, batch_tokens=1 << 30)


def told(taken: dict[str, list[float]], first: str, other: str) -> str:
    """The median ratio over the rounds, with the least and the most."""
    ratios = [theirs / mine for mine, theirs in zip(taken[first], taken[other], strict=True)]
    return f"{statistics.median(ratios):.2f} times as fast ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    """Print the seconds of each round and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--senteval", type=Path, required=True)
    parser.add_argument("--encoder", type=Path, default=starter_encoder())
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    encoder = Encoder.load(options.encoder)
    present, missing = read_tasks(SEVEN, options.senteval)
    pairs = sum(data.items for data in present)
    print(f"{', '.join(data.name for data in present)}: {pairs} pairs; not there: {len(missing)} of the seven")
    ways: dict[str, Callable[[], Scores]] = {
        "ours": lambda: ours(encoder, options.senteval),
        "SentEval's, pairs as they come": lambda: sentevals(encoder, options.senteval, False),
        "SentEval's, sorted by first side": lambda: sentevals(encoder, options.senteval, True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    busy: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, Scores] = {}
    for number in range(options.rounds):
        for name, way in ways.items():
            start, worked = time.perf_counter(), time.process_time()
            scores[name] = way()
            seconds[name].append(time.perf_counter() - start)
            busy[name].append(time.process_time() - worked)
        print(
            f"round {number + 1}: " + "; ".join(f"{name} {taken[-1]:.1f} s" for name, taken in seconds.items()),
            flush=True,
        )
    first, *others = ways
    for name in others:
        apart = max(abs(scores[first][task] - scores[name][task]) for task in scores[first])
        print(
            f"{first} against {name}: {told(seconds, first, name)} by the clock, {told(busy, first, name)} of CPU time"
        )
        print(f"  Spearman at most {apart:.6f} apart")
    print(f"threads: OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}")


if __name__ == "__main__":
    main()
