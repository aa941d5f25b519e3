"""What sets of triplets are worth: train the starter encoder on each with the same budget, over several seeds.

    python scripts/study_triplets.py --data DATA --triplets 2000 all=partial.csv filtered=filtered.csv naive=naive.csv

Each NAME=FILE is a file of triplets, as `syncse export` writes it. Every arm has the same number of them (drawn anew for each seed),
the same steps and the last weights, so that no split decides anything. Prints Spearman x 100 as JSON lines, then the means.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path
from statistics import fmean, stdev

from study_starter import Quiet

from syncse_local import airgap, paths
from syncse_local.encoders.transformer import Encoder
from syncse_local.evaluation.run import evaluate
from syncse_local.records import Triplet
from syncse_local.text.ingest import open_input
from syncse_local.training.loop import train
from syncse_local.training.options import TrainOptions


def read(path: Path) -> list[Triplet]:
    """The file's triplets."""
    rows = open_input(path, unique_by="row")
    return [Triplet(r.sentence, r.positive or "", r.negative or "") for r in rows]


def scores(encoder: Path, options: argparse.Namespace) -> dict[str, float]:
    """Spearman x 100 by task."""
    result = evaluate(Encoder.load(encoder).encode, options.tasks, options.data / "senteval", Quiet())
    return {score.task: round(100 * (score.value or float("nan")), 2) for score in result.scores}


def trained(triplets: list[Triplet], seed: int, options: argparse.Namespace) -> dict[str, float]:
    """The scores of an encoder trained on these."""
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainOptions(
            encoder=paths.starter_encoder(),
            output=Path(folder) / "out",
            checkpoint=Path(folder) / "checkpoint",
            batch_size=options.batch_size,
            epochs=options.epochs,
            learning_rate=options.learning_rate,
            pooling="avg",
            seed=seed,
            precision=options.precision,
            no_duplicates=True,
        )
        train(settings, triplets, [], Quiet())
        return scores(Path(folder) / "out", options)


def main() -> None:
    """Train every arm with every seed, a seed after the other, so that a stopped study has whole seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("arms", nargs="+", metavar="NAME=FILE")
    parser.add_argument("--data", type=Path, required=True, help="the directory with senteval/")
    parser.add_argument("--triplets", type=int, default=2_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--tasks", nargs="+", default=["STSB-dev", "STSB", "starter"])
    options = parser.parse_args()
    airgap.set_switches()
    arms = {name: read(Path(file)) for name, _, file in (arm.partition("=") for arm in options.arms)}
    print(json.dumps({"data": "none", "scores": scores(paths.starter_encoder(), options)}), flush=True)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in arms}
    for seed in range(1, options.seeds + 1):
        for name, triplets in arms.items():
            began = time.perf_counter()
            drawn = random.Random(seed).sample(triplets, options.triplets)
            found[name].append(trained(drawn, seed, options))
            took = round(time.perf_counter() - began)
            shown = {"data": name, "of": len(triplets), "triplets": len(drawn), "seed": seed, "seconds": took}
            print(json.dumps({**shown, "scores": found[name][-1]}), flush=True)
    for name, rows in found.items():
        for task in options.tasks:
            values = [row[task] for row in rows]
            spread = stdev(values) if len(values) > 1 else 0.0
            print(f"{name:16} {task:9} mean {fmean(values):.2f}  sd {spread:.2f}  n {len(values)}", flush=True)


if __name__ == "__main__":
    main()
