"""The arms of a study: each factor's values crossed, and the baselines. Knows the study; knows no run."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from syncse_local.study.design import Study, StudyGenerator


@dataclass(frozen=True, slots=True)
class Source:
    """One generate run of a study; arms that differ only in what is trained share it."""

    generator: StudyGenerator
    recipe: str
    temperature: float | None
    samples: int | None


@dataclass(frozen=True, slots=True)
class StudyArm:
    """One thing that is compared. `source` is None for baselines, which `baseline` names; `size` 0: all triplets."""

    name: str
    encoder: str
    source: Source | None = None
    size: int = 0
    filters: bool = True
    baseline: str = ""

    @property
    def trained(self) -> bool:
        """Whether seeds make a difference."""
        return self.baseline != "untrained"


def arms(study: Study) -> list[StudyArm]:
    """Every arm, baselines first, in the order of the file; a name says the factors that have several values."""
    found = []
    for encoder in study.encoders:
        named = [kind for kind in ("untrained", "dropout", "human") if getattr(study, kind)]
        for kind in named:
            found.append(StudyArm(_named([kind], [(study.encoders, encoder or "starter")]), encoder, baseline=kind))
    for generator, recipe, temperature, samples, size, filters, encoder in product(
        study.generators, study.recipes, study.temperatures, study.samples, study.sizes, study.filters, study.encoders
    ):
        parts = [
            (study.recipes, recipe),
            (study.temperatures, f"t={temperature}"),
            (study.samples, f"samples={samples}"),
            (study.sizes, f"n={size or 'all'}"),
            (study.filters, "filtered" if filters else "unfiltered"),
            (study.encoders, encoder or "starter"),
        ]
        source = Source(generator, recipe, temperature, samples)
        found.append(StudyArm(_named([generator.name], parts), encoder, source, size, filters))
    return found


def _named(first: Sequence[str], parts: Sequence[tuple[Sequence[object], str]]) -> str:
    return " ".join([*first, *(text for values, text in parts if len(values) > 1)])


def sources(found: list[StudyArm]) -> list[Source]:
    """The generate runs that these arms need, each once."""
    kept: list[Source] = []
    for arm in found:
        if arm.source is not None and arm.source not in kept:
            kept.append(arm.source)
    return kept
