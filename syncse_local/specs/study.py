"""What a look at answers is told: models, recipes and temperatures to set side by side, and how many rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from syncse_local.specs.field import as_in, option
from syncse_local.specs.generate import MOST_TEMPERATURE, GenerateSpec
from syncse_local.specs.reading import Reading
from syncse_local.specs.spec import Spec

QUESTIONS = ("which-llm", "size", "diversity", "prompts")
"""What a study may vary."""
MOST_ROWS = 200
"""Rows of a look: more is a run of its own, with `syncse generate`."""


@dataclass(frozen=True, kw_only=True)
class TrySpec(Reading):
    """Real answers for a few rows side by side, and a forecast from what was measured."""

    KIND: ClassVar[str] = "try"
    TITLE: ClassVar[str] = "Bad option of a look"

    models: tuple[str, ...] = option(
        (), "language models: paths, or names of `syncse models`; none: the starter LLM",
        flag="--model", names="model", metavar="NAME",
    )  # fmt: skip
    input: str = option("", "the file with the sentences", flag="--input", names="path", metavar="FILE", required=True)
    recipes: tuple[str, ...] = option(
        (), "recipes, each with every model; none: the setting's", flag="--recipe", names="recipe", metavar="NAME"
    )
    temperatures: tuple[float, ...] = option(
        (), f"sampling temperatures from 0 to {MOST_TEMPERATURE:g}; none: the recipe's",
        flag="--temperature", at_least=0, at_most=MOST_TEMPERATURE,
    )  # fmt: skip
    rows: int = option(5, "sentences to answer", at_least=1, at_most=MOST_ROWS, unit="sentences")
    sentences: int = option(10_000, "the forecast is for so many sentences", at_least=1, unit="sentences")
    keep: bool = option(False, "keep the answers as runs of the workspace, which later runs reuse")
    backend: str = as_in(GenerateSpec, "backend")
    seed: int | None = as_in(GenerateSpec, "seed")
    force: bool = as_in(GenerateSpec, "force")
    threads: int = as_in(GenerateSpec, "threads")
    n_gpu_layers: int = as_in(GenerateSpec, "n_gpu_layers")
    n_ctx: int = as_in(GenerateSpec, "n_ctx")
    vllm_python: str = as_in(GenerateSpec, "vllm_python")
    base_urls: str = as_in(GenerateSpec, "base_urls")
    allow_remote: bool = as_in(GenerateSpec, "allow_remote")
    backend_options: Mapping[str, Any] | None = as_in(GenerateSpec, "backend_options")

    def complete(self) -> None:
        """See `Spec.complete`: each value once."""
        super().complete()
        for name in ("models", "recipes", "temperatures"):
            values = getattr(self, name)
            if twice := next((value for value in values if values.count(value) > 1), None):
                raise self.field(name).refused(twice, "Named twice", "each value once")


def shared(spec: Spec, other: type[Spec]) -> dict[str, Any]:
    """What was given of `spec` that the other kind takes under the same name."""
    known = {field.name for field in other.fields()}
    return {name: getattr(spec, name) for name in spec.given if name in known}
