"""`syncse calibrate`: train one recipe with several seeds, evaluate each, and keep the spread as this machine's noise floor."""

import argparse
from typing import Any

from syncse_local.api import Workspace
from syncse_local.cli.common import parser, settings, workspace
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.output import emit, table
from syncse_local.cli.steps import detach_flag, follow_steps, leave
from syncse_local.errors import ExitCode
from syncse_local.prepare import calibration
from syncse_local.specs.pipeline import CalibrateSpec
from syncse_local.text.display import safe
from syncse_local.text.figures import hundred


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
    chosen = settings(options)
    wanted = calibration.evaluation(spec, chosen)
    if options.detach:
        return leave(options, chosen)
    with workspace(options) as opened, opened.pipeline_lock():
        run_id = lambda text: opened.run(text).id  # noqa: E731  # one line in a call
        steps = calibration.steps(spec, chosen, wanted, opened.directory, run_id)
        evaluated, code = follow_steps(opened, options, steps)
        return _stored(opened, evaluated, options.json) if evaluated else code


def _stored(opened: Workspace, evaluated: list[str], as_json: bool) -> ExitCode:
    return _listed([opened.calibrate(evaluated=evaluated)], as_json)


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
