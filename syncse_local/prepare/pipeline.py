"""The whole job as specs of its steps: evaluate, generate, filter, train, evaluate again. Starts nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from syncse_local.config import Settings
from syncse_local.paths import starter_encoder, starter_sentences
from syncse_local.prepare.engine import settled
from syncse_local.prepare.evaluate import evaluate
from syncse_local.prepare.generate import for_each_generator
from syncse_local.prepare.names import evaluation_sets, named_model
from syncse_local.prepare.train import fits
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.pipeline import RunSpec
from syncse_local.specs.spec import Spec
from syncse_local.specs.train import TrainSpec

BATCH = 64
"""Rows of a batch: the starter corpus has some 4,000 triplets, which are 180 steps of this size in three epochs."""


def steps_of(spec: RunSpec) -> int:
    """How many steps the job has."""
    return 4 if spec.no_filters else 5


def first_evaluation(spec: RunSpec, chosen: Settings) -> EvaluateSpec:
    """The evaluation before; the one after is the same with another encoder."""
    return evaluate(EvaluateSpec.asked(**_shared(spec, EvaluateSpec)), settled(spec, chosen))


def generations(
    spec: RunSpec, chosen: Settings, tell: Callable[[str], None] = lambda line: None
) -> dict[str, GenerateSpec]:
    """The syntheses by generator; without an input, from the sentences that ship with the project."""
    shared = {**_shared(spec, GenerateSpec), "samples": spec.samples, "seed": spec.seed}
    if not spec.input and not spec.count:
        shared["input"] = str(starter_sentences())
    return for_each_generator(GenerateSpec.asked(**shared), chosen, tell)


def training(spec: RunSpec, chosen: Settings, runs: Sequence[str], output: str) -> TrainSpec:
    """The training on the runs' triplets; what does not change the data or the encoder is the starter encoder's."""
    chosen = settled(spec, chosen)
    there = chosen.senteval and Path(chosen.senteval).exists()
    given: dict[str, Any] = {
        "encoder": named_model(chosen.encoder or str(starter_encoder()), chosen, "encoder", "train"),
        "output": str(Path(output).resolve()),
        "epochs": spec.epochs,
        "learning_rate": spec.learning_rate,
        "seed": spec.seed,
        "pooling": spec.pooling,
        "batch_size": BATCH,
        "no_duplicates": True,  # samples share their anchor
        "device": chosen.device,
        "dev": ("STSB-dev" if there else "starter-dev",),
        "runs": tuple(runs),
        "limit": 0,
        "senteval": "",
        **evaluation_sets(chosen.senteval, chosen.reranking),
    }
    given |= {"precision": chosen.precision} if chosen.precision != "auto" else {}
    given |= {"unfiltered": True} if spec.no_filters else {}
    given |= {"force": True} if spec.force else {}
    ready = TrainSpec.asked(**given)
    fits(ready)
    return ready


def _shared(spec: RunSpec, other: type[Spec]) -> dict[str, Any]:
    """What was given of the job that a step of this kind takes under the same name."""
    known = {field.name for field in other.fields()}
    own = {"seed", "pooling", "epochs", "learning_rate"}  # the job's word on these is its training's
    return {name: getattr(spec, name) for name in spec.given if name in known and name not in own}
