"""A calibration as specs of its steps: one training a seed, and the evaluation of each. Starts nothing."""

import hashlib
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from syncse_local.config import Settings
from syncse_local.prepare.evaluate import evaluate
from syncse_local.prepare.pipeline import Step
from syncse_local.prepare.train import check_source, train
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.pipeline import CalibrateSpec
from syncse_local.specs.train import TrainSpec
from syncse_local.store.runs import Run
from syncse_local.text.files import file_sha256


def evaluation(spec: CalibrateSpec, chosen: Settings) -> EvaluateSpec:
    """How each seed's encoder is evaluated; the encoder is put in later. Raises SyncseError (USAGE, PREFLIGHT)."""
    check_source(spec)
    return evaluate(EvaluateSpec.asked(**_given(spec, "tasks", "senteval", "reranking", "device")), chosen)


def steps(
    spec: CalibrateSpec, chosen: Settings, scored: EvaluateSpec, workspace: Path, run_id: Callable[[str], str]
) -> Generator[Step, Run, list[str]]:
    """A training and an evaluation for each seed; each is answered with its run, done. Returns the evaluations' ids."""
    evaluated, of = list[str](), 2 * spec.seeds
    for number, plan in enumerate(_trainings(spec, chosen, workspace, run_id), start=1):
        trained = yield Step(f"{2 * number - 1}/{of}", f"calibrate: train seed {plan.seed}", plan)
        encoder = scored.but(encoder=trained.result["output"])
        done = yield Step(f"{2 * number}/{of}", f"calibrate: evaluate seed {plan.seed}", encoder)
        evaluated.append(done.id)
    return evaluated


def _trainings(spec: CalibrateSpec, chosen: Settings, workspace: Path, run_id: Callable[[str], str]) -> list[TrainSpec]:
    """The train runs' specs, a seed each; their encoders lie side by side, named by what the seeds share."""
    own = {field.name for field in CalibrateSpec.fields()} & {field.name for field in TrainSpec.fields()}
    one = TrainSpec.asked(**{**_given(spec, *own), "seed": spec.seed})
    shared = train(one, chosen, "calibration", run_id)
    if shared.data:  # a file that changed is another recipe, and its seeds are trained anew
        shared = shared.but(data_sha256=file_sha256(Path(shared.data)))
    digest = hashlib.sha256(json.dumps(shared.to_options(), sort_keys=True).encode()).hexdigest()[:8]
    places = {
        seed: workspace / "models" / f"calibration-{digest}-{seed}" for seed in range(spec.seed, spec.seed + spec.seeds)
    }
    return [shared.but(seed=seed, output=str(place)) for seed, place in places.items()]


def _given(spec: CalibrateSpec, *names: str) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in names if name in spec.given}
