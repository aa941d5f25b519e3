"""Filters made ready: a run's thresholds or a recipe's, models as paths, what has to be measured first."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.prepare.engine import engine_options, settled
from syncse_local.prepare.names import evaluation_sets, named_model
from syncse_local.registry import backend_spec
from syncse_local.specs.filter import FilterSpec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.store.runs import Run
from syncse_local.synthesis.filters.settings import FilterSettings, changed
from syncse_local.synthesis.recipe import Recipe, load_recipe


def thresholds(target: Run, spec: FilterSpec, chosen: Settings) -> FilterSettings:
    """The run's own filter settings or a recipe's, the spec's thresholds on top, models as paths. Raises SyncseError."""
    if target.kind != "generate":
        hint = "Name a generate run; `syncse runs` lists them."
        raise SyncseError("Nothing to filter", f"Run {target.id} is a {target.kind} run.", hint, ExitCode.USAGE)
    own = (
        load_recipe(spec.recipe) if spec.recipe else Recipe.from_dict(GenerateSpec.of(target.options).recipe_data or {})
    )
    return _resolved(changed(own.filters, dict(spec.thresholds or {}), "--set, [filters]"), chosen)


def assignments(texts: Iterable[str]) -> Mapping[str, object]:
    """`TABLE.KEY=VALUE` texts as keys and values. Raises SyncseError (USAGE)."""
    return dict(map(_assignment, texts))


def measuring(target: Run, wanted: FilterSettings, spec: FilterSpec, chosen: Settings) -> FilterSpec:
    """The spec of a run of kind `filter`, which measures what these filters need of a generate run."""
    chosen = settled(spec, chosen)
    engine: dict[str, Any] = {}
    if wanted.judge.model:
        engine = engine_options(dataclasses.replace(chosen, backend=wanted.judge.backend), {})
    sets = evaluation_sets(chosen.senteval, chosen.reranking)
    asked = {"filters": wanted.to_dict(), "device": chosen.device, "backend_options": engine}
    return FilterSpec.asked(run=target.id, **asked, **sets)


def _assignment(text: str) -> tuple[str, object]:
    key, equals, value = text.partition("=")
    if not equals or "." not in key:
        hint = "Write --set TABLE.KEY=VALUE, as in --set lexical.max_overlap=0.8."
        raise SyncseError("Bad threshold", f"{text!r} names no key and value.", hint, ExitCode.USAGE)
    try:
        return key.strip().removeprefix("filters."), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip().removeprefix("filters."), value.strip()


def _resolved(wanted: FilterSettings, chosen: Settings) -> FilterSettings:
    """The settings with the encoder's and the judge's names as absolute paths."""
    encoder, near, judge = wanted.cosine.encoder, wanted.contamination.encoder, wanted.judge.model
    if encoder:
        encoder = named_model(encoder, chosen, "encoder", "train")
    if near:
        near = named_model(near, chosen, "encoder", "train")
    if judge and backend_spec(wanted.judge.backend).model == "files":
        judge = named_model(judge, chosen, "model", wanted.judge.backend)
    return dataclasses.replace(
        wanted,
        cosine=dataclasses.replace(wanted.cosine, encoder=encoder),
        judge=dataclasses.replace(wanted.judge, model=judge),
        contamination=dataclasses.replace(wanted.contamination, encoder=near),
    )
