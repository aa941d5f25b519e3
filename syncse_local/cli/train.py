"""`syncse train`: start a training run and follow it."""

import argparse
import time
from typing import Any

from syncse_local.api import Workspace
from syncse_local.cli.common import begun, job_flags, parser, settings, take_part, workspace
from syncse_local.cli.flags import add_fields, spec_of
from syncse_local.cli.follow import follow
from syncse_local.errors import ExitCode
from syncse_local.prepare.train import check_source, train
from syncse_local.specs.train import TrainSpec


def add(verbs: Any) -> None:
    """Add the verb to the command line."""
    made = parser(
        verbs, "train", "train a sentence encoder on triplets", "syncse train --from g1124-0a1b2c --epochs 3", run
    )
    job_flags(made)
    add_fields(made, TrainSpec, checked_late=("pooling",))


def run(options: argparse.Namespace) -> ExitCode:
    """Start the training run and follow it; under `torchrun`, as any rank but the first, take part in it."""
    spec = spec_of(options, TrainSpec)
    check_source(spec)
    take_part(options)
    with workspace(options) as opened:
        name = options.name or time.strftime("encoder-%m%d-%H%M%S")
        started = opened.start("train", ready(opened, options, spec, name).to_options(), name)
        return begun(started, options.json) if options.detach else follow(opened, started, options.json)


def ready(opened: Workspace, options: argparse.Namespace, spec: TrainSpec, name: str) -> TrainSpec:
    """The spec made ready in this workspace, its encoder named there."""
    output = spec.output or str(opened.default_output(name))
    return train(spec, settings(options), output, lambda text: opened.run(text).id)
