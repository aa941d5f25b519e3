"""`syncse calibrate`: train one recipe with several seeds, evaluate each, and keep the spread as this machine's noise floor."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from syncse_local.api import Workspace
from syncse_local.cli.common import parser, settings, workspace
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.output import emit, table
from syncse_local.cli.steps import detach_flag, leave, step
from syncse_local.cli.train import ready
from syncse_local.errors import ExitCode
from syncse_local.prepare.evaluate import evaluate
from syncse_local.prepare.train import check_source
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.pipeline import CalibrateSpec
from syncse_local.specs.train import TrainSpec
from syncse_local.text.display import safe
from syncse_local.text.figures import hundred
from syncse_local.text.files import file_sha256


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs,
        "calibrate",
        "measure the noise floor: train one recipe with several seeds and evaluate each",
        "syncse calibrate --data human.csv --seeds 5 --senteval ~/SentEval/data",
        run,
    )
    made.add_argument("--list", action="store_true", help="show the noise floors of this workspace")
    add_fields(made, CalibrateSpec, checked_late=("pooling",))
    detach_flag(made)


def run(options: argparse.Namespace) -> ExitCode:
    """Train and evaluate the seeds that are not done yet, and store the floor."""
    if options.list:
        with workspace(options, must_exist=True) as opened:
            return _listed(opened.calibrations(), options.json)
    spec = spec_of(options, CalibrateSpec)
    if spec.evaluated:
        with workspace(options, must_exist=True) as opened:
            return _stored(opened, list(spec.evaluated), options.json)
    check_source(spec)
    wanted = evaluate(EvaluateSpec.asked(**_given(spec, "tasks", "senteval", "reranking", "device")), settings(options))
    if options.detach:
        return leave(options, settings(options))
    with workspace(options) as opened, opened.pipeline_lock():
        evaluated, of = list[str](), 2 * spec.seeds
        for number, (seed, plan) in enumerate(_plans(opened, options, spec).items(), start=1):
            trained, code = step(opened, options, plan, f"{2 * number - 1}/{of} calibrate: train seed {seed}")
            if code:
                return code
            scored = wanted.but(encoder=trained.result["output"])
            done, code = step(opened, options, scored, f"{2 * number}/{of} calibrate: evaluate seed {seed}")
            if code:
                return code
            evaluated.append(done.id)
        return _stored(opened, evaluated, options.json)


def _given(spec: CalibrateSpec, *names: str) -> dict[str, Any]:
    return {name: getattr(spec, name) for name in names if name in spec.given}


def _plans(opened: Workspace, options: argparse.Namespace, spec: CalibrateSpec) -> dict[int, TrainSpec]:
    """The train runs' specs by seed; their encoders lie side by side, named by what the seeds share."""
    own = {field.name for field in CalibrateSpec.fields()} & {field.name for field in TrainSpec.fields()}
    one = TrainSpec.asked(**{**_given(spec, *own), "seed": spec.seed})
    shared = ready(opened, options, one.but(output="calibration"), "calibration")
    if shared.data:  # a file that changed is another recipe, and its seeds are trained anew
        shared = shared.but(data_sha256=file_sha256(Path(shared.data)))
    digest = hashlib.sha256(json.dumps(shared.to_options(), sort_keys=True).encode()).hexdigest()[:8]
    return {
        seed: shared.but(seed=seed, output=str(opened.default_output(f"calibration-{digest}-{seed}")))
        for seed in range(spec.seed, spec.seed + spec.seeds)
    }


def _stored(opened: Workspace, evaluated: list[str], as_json: bool) -> ExitCode:
    return _listed([opened.calibrate(evaluated)], as_json)


def _listed(found: list[dict[str, Any]], as_json: bool) -> ExitCode:
    """Print calibrations, the spread in points (x 100)."""
    if as_json:
        for calibration in found:
            emit(calibration)
    elif not found:
        print("No noise floor was measured here. Do it: syncse calibrate --data FILE")
    for calibration in [] if as_json else found:
        print(f"{calibration['id']}: {safe(calibration['encoder'])} on {safe(calibration['data'])}")
        print(f"   {safe(calibration['machine'])}; seeds {', '.join(map(str, calibration['seeds']))}")
        rows = [_row(task, floor) for task, floor in calibration["floors"].items()]
        print(table(["task", "metric", "mean x100", "seed sd", "widest difference"], rows), end="\n\n")
    return ExitCode.OK if found else ExitCode.NOTHING


def _row(task: str, floor: dict[str, Any]) -> list[object]:
    widest = max(floor["values"]) - min(floor["values"])
    return [task, floor["metric"], *(hundred(value) for value in (floor["mean"], floor["sd"], widest))]
