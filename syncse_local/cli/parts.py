"""What `generate` and `run` settle about a plan before it is made: which part of it, whose rows, how many contexts.

Knows flags and recipes; plans nothing.
"""

import argparse
import dataclasses
import math
from itertools import islice
from pathlib import Path
from typing import Any

from syncse_local.cli.common import existing
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.synthesis.generators import named_generator
from syncse_local.synthesis.recipe import Recipe
from syncse_local.synthesis.shards import Shard
from syncse_local.text.ingest import open_input, reading


def shard_flag(made: argparse.ArgumentParser) -> None:
    """The flag of verbs that can do one part of a plan."""
    made.add_argument(
        "--shard", metavar="I/N", help="do part I of N, from 1/N to N/N; `syncse merge` joins the workspaces"
    )


def chosen_part(options: argparse.Namespace, recipe: Recipe) -> dict[str, str]:
    """The run's options that name its part of the plan; none where it is all. Raises SyncseError (USAGE)."""
    found = {}
    if options.shard:
        shard = Shard.parse(options.shard)
        found["shard"] = f"{shard.number}/{shard.of}"
    if options.generator or len(recipe.generators) > 1:
        found["generator"] = options.generator
    return found


def with_generator(options: argparse.Namespace, recipe: Recipe) -> argparse.Namespace:
    """The flags with the chosen generator's model and engine where none was given.

    Raises SyncseError (USAGE) where the recipe names several and none was chosen, or has none of that name.
    """
    if not options.generator and not recipe.generators:
        return options
    if not options.generator and len(recipe.generators) > 1:
        names = ", ".join(generator.name for generator in recipe.generators)
        detail = f"Recipe {recipe.name} shares its rows among {names}, and a run has one of them."
        hint = "Add --generator NAME and run each; `syncse run` takes them in turn."
        raise SyncseError("Which generator?", detail, hint, ExitCode.USAGE)
    found = named_generator(recipe.generators, options.generator) if options.generator else recipe.generators[0]
    chosen = {"model": options.model or found.model or None, "backend": options.backend or found.backend or None}
    return argparse.Namespace(**{**vars(options), **chosen})


def input_of(options: argparse.Namespace, recipe: Recipe) -> str:
    """The absolute path of the input, opened once to see that it can be. Raises SyncseError."""
    if not options.input:
        hint = "Name a file, or use a scratch recipe: --recipe starter-scratch --count 500."
        raise SyncseError("No input", f"Recipe {recipe.name} needs sentences.", hint, ExitCode.USAGE)
    path = existing(options.input, "input")
    open_input(Path(path), **reading(vars(options)))
    return path


def sized(options: argparse.Namespace, recipe: Recipe) -> tuple[Recipe, dict[str, Any]]:
    """The recipe with its number of contexts settled, and how many sentences are to be written, if any.

    Raises SyncseError (USAGE) where a scratch recipe is not told how many.
    """
    if recipe.mode == "scratch" and options.count < 1:
        raise SyncseError(
            "How many sentences?", f"Recipe {recipe.name} writes its own.", "Add --count N.", ExitCode.USAGE
        )
    counted = recipe.contexts_per_1000 or (recipe.mode == "mixed" and options.count < 1)
    given = _sentences(options) if recipe.reads and counted else 0
    share = recipe.scratch_share
    written = max(1, round(given * share / (1 - share))) if recipe.mode == "mixed" else 0
    written = options.count if options.count > 0 else written
    if recipe.contexts_per_1000:
        rows = recipe.samples * (given + (written if recipe.writes else 0))
        recipe = dataclasses.replace(recipe, contexts=max(1, math.ceil(rows * recipe.contexts_per_1000 / 1000)))
    return recipe, {"count": written} if recipe.writes else {}


def _sentences(options: argparse.Namespace) -> int:
    """How many sentences of the input will be used: of the whole input, whichever part of the plan is done."""
    source = open_input(Path(existing(options.input, "input")), **reading(vars(options)))
    return sum(1 for _ in islice(source, options.limit or None))
