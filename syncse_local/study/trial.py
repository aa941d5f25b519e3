"""A look before a run: real answers of several models, recipes and temperatures to the same few rows, and a forecast.

Each is an ordinary generate run, in a workspace that is thrown away unless the answers are to be kept. Knows no engine.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncse_local.config import Settings
from syncse_local.errors import SyncseError
from syncse_local.prepare.generate import CALLS, generate
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.study import TrySpec, shared
from syncse_local.store import side_by_side
from syncse_local.store.side_by_side import SideAnswer
from syncse_local.synthesis.recipe import load_recipe

if TYPE_CHECKING:
    from syncse_local.api import Workspace

Open = Callable[[Path, Settings], "Workspace"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One model with one recipe and temperature (None: the recipe's own): its answers, what they cost, what many would cost.

    `seconds` leave out the loading of the model. `per_triplet` are generated tokens for each accepted triplet; a figure is
    None where nothing was measured for it.
    """

    model: str
    recipe: str
    temperature: float | None
    run: str
    answers: tuple[SideAnswer, ...]
    triplets: int
    rows_per_second: float | None
    per_triplet: float | None
    forecast_sentences: int
    forecast_seconds: float | None
    error: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """It as plain data."""
        return {**asdict(self), "answers": [answer._asdict() for answer in self.answers]}


def try_out(directory: Path, chosen: Settings, spec: TrySpec, opened: Open) -> Iterator[Tried]:
    """Try each model, recipe and temperature in turn, in workspaces that `opened` opens.

    A run that fails is told in its entry, and the others go on. Raises SyncseError for what cannot be asked.
    """
    plans = [(names, generate(asked, chosen)) for names, asked in _asked(spec, chosen)]
    with tempfile.TemporaryDirectory(prefix="syncse-try-") as thrown_away:
        with opened(directory if spec.keep else Path(thrown_away), chosen) as workspace:
            for names, plan in plans:
                yield _tried(workspace, names, plan, spec)


def _asked(spec: TrySpec, chosen: Settings) -> Iterator[tuple[tuple[str, str, float | None], GenerateSpec]]:
    given = shared(spec, GenerateSpec) | {"limit": spec.rows, "samples": 1, "max_failure_rate": 1.0}
    models = spec.models or ("",)
    recipes = spec.recipes or (chosen.recipe,)
    for model, recipe, temperature in product(models, recipes, spec.temperatures or (None,)):
        own: dict[str, Any] = {"model": model} if model else {}
        own |= {} if temperature is None else {"temperature": temperature}
        yield (model, recipe, temperature), GenerateSpec.asked(**{**given, "recipe": recipe, **own})


def _tried(workspace: "Workspace", names: tuple[str, str, float | None], plan: GenerateSpec, spec: TrySpec) -> Tried:
    model, recipe, temperature = names
    run = workspace.ensure("generate", plan.to_options(), "try")
    handle, error = workspace.handle(run.id), None
    try:
        handle.wait()
    except KeyboardInterrupt:
        handle.cancel()
        raise
    except SyncseError as failed:
        error = failed.as_dict()
    found = side_by_side.answers(workspace.connection, run.id)
    count, seconds = side_by_side.pace(workspace.connection, run.id)
    rate = count / seconds if count and seconds else None
    triplets = workspace.counts(run.id)["triplets"]
    tokens = sum(answer.output_tokens for answer in found)
    requests = spec.sentences * CALLS * load_recipe(recipe).samples
    return Tried(
        model=Path(model or plan.model).name,
        recipe=recipe,
        temperature=temperature,
        run=run.id if spec.keep else "",
        answers=tuple(found),
        triplets=triplets,
        rows_per_second=rate,
        per_triplet=tokens / triplets if triplets else None,
        forecast_sentences=spec.sentences,
        forecast_seconds=requests / rate if rate else None,
        error=error,
    )
