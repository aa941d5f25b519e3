"""The whole job as steps: evaluate, generate, filter, train, evaluate again. Starts nothing: whoever asks starts the runs."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from syncse_local.config import Settings
from syncse_local.paths import starter_encoder, starter_sentences
from syncse_local.prepare.engine import settled
from syncse_local.prepare.evaluate import evaluate
from syncse_local.prepare.filter import measuring, thresholds
from syncse_local.prepare.generate import for_each_generator
from syncse_local.prepare.names import evaluation_sets, named_model
from syncse_local.prepare.train import fits
from syncse_local.specs.evaluate import EvaluateSpec
from syncse_local.specs.filter import FilterSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.pipeline import RunSpec
from syncse_local.specs.spec import Spec
from syncse_local.specs.train import TrainSpec
from syncse_local.store.runs import Run
from syncse_local.synthesis.filters.settings import FilterSettings

STARTER_TRAINING: Mapping[str, Any] = {
    "batch_size": 64,  # the starter corpus has some 4,000 triplets, which are 180 steps of this size in three epochs
    "learning_rate": RunSpec.field("learning_rate").default,
    "pooling": RunSpec.field("pooling").default,
    "no_duplicates": True,  # samples share their anchor
}
"""What suits the starter encoder on triplets that were made with it."""


class Step(NamedTuple):
    """A run that comes next. `place` is as in `2/5`; name and spec together find the run that did it before."""

    place: str
    name: str
    spec: Spec


class Filtered(NamedTuple):
    """What the filters keep of a run; `contaminated` counts the kept that match an evaluation sentence."""

    place: str
    run: str
    judged: int
    kept: int
    contaminated: int
    again: bool
    """Whether they were applied now; else they stood."""


class PipelineResult(NamedTuple):
    """The runs of the whole job, ended."""

    before: Run
    made: list[Run]
    filtered: list[Filtered]
    trained: Run
    after: Run


Steps = Generator[Step, Run, PipelineResult]
"""Each step is answered (`send`) with its run, done."""


class Filterable(Protocol):
    """What the filter step asks of a workspace."""

    directory: Path

    def lacks_measurements(self, run_id: str, wanted: FilterSettings) -> bool: ...
    def filters(self, run_id: str) -> dict[str, Any] | None: ...
    def apply_filters(self, run_id: str, wanted: FilterSettings) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The whole job, with all that can be known before its first step."""

    spec: RunSpec
    chosen: Settings
    first: EvaluateSpec
    plans: dict[str, GenerateSpec]

    def steps(self, workspace: Filterable, applied: Callable[[Filtered], None] = lambda found: None) -> Steps:
        """One run after the other; `applied` hears what the filters did. Several generators take turns."""
        of = 4 if self.spec.no_filters else 5
        before = yield Step(f"1/{of}", "evaluate before", self.first.but(label="before"))
        made, filtered = list[Run](), list[Filtered]()
        for name, plan in self.plans.items():
            made.append((yield Step(f"2/{of}", f"generate {name}".rstrip(), plan)))
        for run in [] if self.spec.no_filters else made:
            filtered.append((yield from self._filtered(workspace, run, f"3/{of}")))
            applied(filtered[-1])
        place = workspace.directory / "models" / (f"from-{made[0].id}" + "-unfiltered" * self.spec.no_filters)
        training = _training(self.spec, self.chosen, [run.id for run in made], str(place))
        trained = yield Step(f"{of - 1}/{of}", "train", training)
        last = self.first.but(encoder=trained.result["output"], label="after")
        after = yield Step(f"{of}/{of}", "evaluate after", last)
        return PipelineResult(before, made, filtered, trained, after)

    def _filtered(self, workspace: Filterable, run: Run, place: str) -> Generator[Step, Run, Filtered]:
        """Apply the recipe's filters unless they stand, after a run that measures what they lack."""
        none = FilterSpec.asked(run=run.id)
        wanted = thresholds(run, none, self.chosen)
        lacking = workspace.lacks_measurements(run.id, wanted)
        if lacking:
            yield Step(place, "filter", measuring(run, wanted, none, self.chosen))
        stand = workspace.filters(run.id)
        again = lacking or stand is None or stand["params"] != {**wanted.to_dict(), "against": []}
        if again:
            workspace.apply_filters(run.id, wanted)
            stand = workspace.filters(run.id)
        found = stand or {}
        contaminated = found["filters"].get("contamination", {}).get("flag", 0)
        return Filtered(place, run.id, found["judged"], found["kept"], contaminated, again)


def pipeline(spec: RunSpec, chosen: Settings, tell: Callable[[str], None] = lambda line: None) -> Pipeline:
    """The job made ready; `tell` hears how the input is read. Raises SyncseError (USAGE, PREFLIGHT, BLOCKED)."""
    first = evaluate(EvaluateSpec.asked(**_shared(spec, EvaluateSpec)), settled(spec, chosen))
    return Pipeline(spec, chosen, first, _generations(spec, chosen, tell))


def _generations(spec: RunSpec, chosen: Settings, tell: Callable[[str], None]) -> dict[str, GenerateSpec]:
    """The syntheses by generator; without an input, from the sentences that ship with the project."""
    shared = {**_shared(spec, GenerateSpec), "samples": spec.samples, "seed": spec.seed}
    if not spec.input and not spec.count:
        shared["input"] = str(starter_sentences())
    return for_each_generator(GenerateSpec.asked(**shared), chosen, tell)


def _training(spec: RunSpec, chosen: Settings, runs: Sequence[str], output: str) -> TrainSpec:
    """The training on the runs' triplets; what does not change the data or the encoder is the starter encoder's."""
    chosen = settled(spec, chosen)
    there = chosen.senteval and Path(chosen.senteval).exists()
    given: dict[str, Any] = {
        **STARTER_TRAINING,
        "encoder": named_model(chosen.encoder or str(starter_encoder()), chosen, "encoder", "train"),
        "output": str(Path(output).resolve()),
        "epochs": spec.epochs,
        "learning_rate": spec.learning_rate,
        "seed": spec.seed,
        "pooling": spec.pooling,
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
