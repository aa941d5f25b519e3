"""A synthesis made ready: recipe and model found, the input looked at, its plan's size settled, memory and consent checked.

Plans nothing and asks no server.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from syncse_local.backends.preflight import check_generate
from syncse_local.backends.spec import BackendSpec
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.paths import starter_llm
from syncse_local.prepare.engine import engine_options, settled
from syncse_local.prepare.names import evaluation_sets, existing, free_memory, named_model
from syncse_local.registry import backend_spec
from syncse_local.specs.generate import GenerateSpec
from syncse_local.synthesis.contexts import by_rows, rows_that_count, same_plan
from syncse_local.synthesis.generators import named_generator
from syncse_local.synthesis.recipe import MOST_CONTEXTS, Recipe, load_pools, load_recipe
from syncse_local.synthesis.shards import Shard
from syncse_local.text.files import file_sha256
from syncse_local.text.ingest import open_input

CALLS = 2
"""Requests for each triplet: its positive and its hard negative."""


def generate(spec: GenerateSpec, chosen: Settings, tell: Callable[[str], None] = lambda line: None) -> GenerateSpec:
    """The spec of a run that can be started. `tell` hears what would leave this machine, line by line.

    Raises SyncseError: USAGE for what cannot be run so, PREFLIGHT for what is not there or does not fit, BLOCKED under
    the air-gap policy.
    """
    spec = spec.under(chosen)
    recipe = load_recipe(spec.recipe).with_changes(samples=spec.samples, seed=spec.seed, temperature=spec.temperature)
    pools = load_pools(recipe)
    spec = _with_generator(spec, recipe)
    chosen = settled(spec, chosen)
    source = _input(spec, recipe)
    recipe, count = sized(spec, recipe)
    contexts = contexts_of(spec, recipe, count)
    thinking = {"thinking": spec.thinking} if "thinking" in spec.given else {}
    engine = engine_options(chosen, {**thinking, **(spec.backend_options or {})})
    found = backend_spec(chosen.backend)
    model = _model(chosen, found)
    engine |= _consent(spec, chosen, found, engine, CALLS * recipe.samples, tell)
    if not spec.force:
        check_generate(chosen.backend, Path(model), engine, free_memory())
    ready: dict[str, Any] = {
        "recipe_data": recipe.to_dict(),
        "recipe_hash": recipe.hash,
        "pools_hash": pools.hash,
        "backend": chosen.backend,
        "model": model,
        "backend_options": engine,
        "max_failure_rate": spec.max_failure_rate,
        **evaluation_sets(chosen.senteval, chosen.reranking),
        **({"count": count} if recipe.writes else {}),
        **_slice(spec, recipe),
        **({} if same_plan(recipe, pools, contexts) else {"settled_contexts": contexts}),
    }
    if recipe.reads:
        read = {"input": source, "input_sha256": file_sha256(Path(source)), "limit": spec.limit}
        ready |= {**read, "column": spec.column, "encoding": spec.encoding}
    else:
        spec = spec.without("input", "limit", "column", "encoding", "separator", "quoting", "header")
    return spec.without(*(() if recipe.writes else ("count",))).but(**ready)


def for_each_generator(
    spec: GenerateSpec, chosen: Settings, tell: Callable[[str], None] = lambda line: None
) -> dict[str, GenerateSpec]:
    """A run for each of the recipe's generators, by name; one nameless run where it has none or one."""
    generators = load_recipe(spec.under(chosen).recipe).generators
    if len(generators) < 2:
        return {"": generate(spec, chosen, tell)}
    return {each.name: generate(spec.but(generator=each.name), chosen, tell) for each in generators}


def _with_generator(spec: GenerateSpec, recipe: Recipe) -> GenerateSpec:
    """The spec with the chosen generator's model and engine where none was given."""
    if not spec.generator and not recipe.generators:
        return spec
    if not spec.generator and len(recipe.generators) > 1:
        names = ", ".join(generator.name for generator in recipe.generators)
        detail = f"Recipe {recipe.name} shares its rows among {names}, and a run has one of them."
        hint = "Add --generator NAME and run each; `syncse run` takes them in turn."
        raise SyncseError("Which generator?", detail, hint, ExitCode.USAGE)
    found = named_generator(recipe.generators, spec.generator) if spec.generator else recipe.generators[0]
    own = {"model": found.model, "backend": found.backend, "thinking": found.thinking}
    return spec.but(**{name: value for name, value in own.items() if value and name not in spec.given})


def _slice(spec: GenerateSpec, recipe: Recipe) -> dict[str, str]:
    """What names the run's slice of the plan; nothing where it is all."""
    found = {}
    if spec.shard:
        shard = Shard.parse(spec.shard)
        found["shard"] = f"{shard.number}/{shard.of}"
    if spec.generator or len(recipe.generators) > 1:
        found["generator"] = spec.generator
    return found


def _input(spec: GenerateSpec, recipe: Recipe) -> str:
    """The absolute path of the input, opened once to see that it can be; empty where the recipe reads none."""
    if not recipe.reads:
        return ""
    if not spec.input:
        hint = "Name a file, or use a scratch recipe: --recipe starter-scratch --count 500."
        raise SyncseError("No input", f"Recipe {recipe.name} needs sentences.", hint, ExitCode.USAGE)
    path = existing(spec.input, "input")
    open_input(Path(path), **spec.reading())
    return path


def sized(spec: GenerateSpec, recipe: Recipe) -> tuple[Recipe, int]:
    """The recipe with its number of contexts settled, and how many sentences are to be written.

    Raises SyncseError (USAGE) where a scratch recipe is not told how many.
    """
    if recipe.mode == "scratch" and spec.count < 1:
        raise SyncseError(
            "How many sentences?", f"Recipe {recipe.name} writes its own.", "Add --count N.", ExitCode.USAGE
        )
    counted = recipe.contexts_per_1000 or (recipe.mode == "mixed" and spec.count < 1)
    given = sum(1 for _ in _sentences(spec)) if recipe.reads and counted else 0
    share = recipe.scratch_share
    written = max(1, round(given * share / (1 - share))) if recipe.mode == "mixed" else 0
    written = spec.count if spec.count > 0 else written
    if recipe.contexts_per_1000:
        rows = recipe.samples * (given + (written if recipe.writes else 0))
        recipe = dataclasses.replace(recipe, contexts=max(1, math.ceil(rows * recipe.contexts_per_1000 / 1000)))
    return recipe, written


def contexts_of(spec: GenerateSpec, recipe: Recipe, written: int) -> int:
    """How many contexts each role draws from, `written` sentences being written. Raises SyncseError (USAGE) for a bad wish."""
    if spec.contexts.isascii() and spec.contexts.isdecimal() and 0 < int(spec.contexts) <= MOST_CONTEXTS:
        return int(spec.contexts)
    if spec.contexts not in ("rows", "recipe"):
        raise spec.field("contexts").refused(
            spec.contexts, spec.TITLE, f"rows, recipe or a number from 1 to {MOST_CONTEXTS}"
        )
    if spec.contexts == "recipe" or recipe.contexts_per_1000:
        return recipe.contexts
    written = written if recipe.writes else 0
    enough = math.ceil(rows_that_count(recipe) / recipe.samples)
    given = sum(1 for _ in islice(_sentences(spec), enough)) if recipe.reads else 0
    return by_rows(recipe, recipe.samples * (given + written))


def _sentences(spec: GenerateSpec) -> Iterator[str]:
    """The sentences of the input that will be used, whichever slice of the plan is done; none without an input."""
    if spec.input:
        source = open_input(Path(existing(spec.input, "input")), **spec.reading())
        yield from (row.sentence for row in islice(iter(source), spec.limit or None))


def _model(chosen: Settings, engine: BackendSpec) -> str:
    """The model as the engine takes it: a path, a server's name, or the engine's own name where it needs none."""
    if engine.model == "files":
        return named_model(chosen.model or str(starter_llm()), chosen, "model", chosen.backend)
    if engine.model == "none":
        return engine.name
    if not chosen.model:
        hint = "Add --model NAME, as the server calls it."
        raise SyncseError("Which model?", "A server may hold several models.", hint, ExitCode.USAGE)
    return chosen.model


def _consent(
    spec: GenerateSpec,
    chosen: Settings,
    engine: BackendSpec,
    options: dict[str, Any],
    calls: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """The engine's options that say what was agreed to. Raises SyncseError without consent, with what would leave."""
    found = engine.leaving(options, _sentences(spec), calls, chosen.airgap) if engine.leaving else None
    if found is None:
        return {}
    if not spec.allow_remote:
        raise found.refusal()
    for line in found.lines():
        tell(line)
    return {"allow_remote": True}
