"""What the starter LLM's triplets are worth: train the starter encoder on them, on human triplets and on none, three seeds.

    python scripts/study_starter.py --data DATA --run RUN --workspace DIR --precision bf16

Prints STS-B dev and test Spearman x 100 for each, with the mean and the spread over seeds. The best step is chosen on the
bundled starter set, so that neither STS-B split decides anything.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import fmean, stdev

from syncse_local import airgap, paths
from syncse_local.api import Workspace
from syncse_local.encoders.transformer import Encoder
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.run import evaluate
from syncse_local.evaluation.sts import scored_pairs
from syncse_local.records import Triplet
from syncse_local.text.ingest import open_input
from syncse_local.training.loop import train
from syncse_local.training.options import TrainOptions

TASKS = ("STSB-dev", "STSB", "starter")


class Quiet:
    """A Reporter that says nothing."""

    def progress(self, done: int, total: int, **data: object) -> None:
        """Nothing."""

    def event(self, kind: str, **data: object) -> None:
        """Nothing."""

    def metric(self, name: str, step: int, value: float) -> None:
        """Nothing."""

    def cancelled(self) -> bool:
        """Never."""
        return False


def scores(encoder: Path, data: Path) -> dict[str, float]:
    """Spearman x 100 by task."""
    result = evaluate(Encoder.load(encoder).encode, TASKS, data / "senteval", Quiet())
    return {score.task: round(100 * (score.value or float("nan")), 2) for score in result.scores}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--run", required=True, help="the generate run")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--human-epochs", type=int, default=1)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--precision", default="fp32")
    options = parser.parse_args()
    airgap.set_switches()
    with Workspace(options.workspace) as workspace:
        rows = list(workspace.triplets([options.run]))
    made = [Triplet(r["sentence"], r["positive"], r["negative"]) for r in rows]
    human = [
        Triplet(r.sentence, r.positive or "", r.negative or "")
        for r in open_input(options.data / "nli" / "nli_triplets_all.csv", unique_by="row")
    ]
    dev = scored_pairs(read_tasks(["starter-dev"], None, paths.starter_sts())[0])
    print(json.dumps({"data": "none", "scores": scores(paths.starter_encoder(), options.data)}), flush=True)
    for name, triplets, epochs in (("starter LLM", made, options.epochs), ("human", human, options.human_epochs)):
        found = []
        for seed in range(1, options.seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                settings = TrainOptions(
                    encoder=paths.starter_encoder(),
                    output=Path(folder) / "out",
                    checkpoint=Path(folder) / "checkpoint",
                    batch_size=64,
                    epochs=epochs,
                    learning_rate=options.learning_rate,
                    pooling="avg",
                    seed=seed,
                    precision=options.precision,
                    no_duplicates=True,
                )
                result = train(settings, triplets, dev, Quiet())
                found.append(scores(Path(folder) / "out", options.data))
            shown = {
                "data": name,
                "triplets": len(triplets),
                "epochs": epochs,
                "seed": seed,
                "best_step": result.best_step,
            }
            print(
                json.dumps({**shown, "triplets/s": round(result.triplets_per_second, 1), "scores": found[-1]}),
                flush=True,
            )
        for task in TASKS:
            values = [f[task] for f in found]
            spread = stdev(values) if len(values) > 1 else 0.0
            print(f"{name:12} {task:9} mean {fmean(values):.2f}  sd {spread:.2f}  n {len(values)}", flush=True)


if __name__ == "__main__":
    main()
