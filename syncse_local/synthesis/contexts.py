"""How many contexts a run draws its prompts from: as many as its rows pay for, at most the recipe's.

Settled when a run is made and kept in its options, so that nothing later counts rows. Reads no input.
"""

import dataclasses
import math

from syncse_local.specs.generate import GenerateSpec
from syncse_local.synthesis.plan import PAIR_ROLES, contexts_per_prompt
from syncse_local.synthesis.recipe import Pools, Recipe

ROWS_EACH = 48
"""Rows of a role that share a context. A prefix of five exemplars has 206 to 240 tokens, a row 42 to 57 of its own: from
44 rows on, prefixes are at most a tenth of all tokens."""
FEWEST = 8
"""Contexts of a role where rows are few: two draws of exemplars for each of the four shipped prompts."""


def by_rows(recipe: Recipe, rows: int) -> int:
    """The number of contexts for so many rows of a role."""
    return min(recipe.contexts, max(FEWEST, math.ceil(rows / ROWS_EACH)))


def rows_that_count(recipe: Recipe) -> int:
    """More rows than these change nothing, so nobody needs to count them."""
    return recipe.contexts * ROWS_EACH


def same_plan(recipe: Recipe, pools: Pools, contexts: int) -> bool:
    """Whether so many contexts are the recipe's own draws: without exemplars there are as many as prompts."""
    other = dataclasses.replace(recipe, contexts=contexts)
    return all(
        contexts_per_prompt(other, pools, role) == contexts_per_prompt(recipe, pools, role) for role in PAIR_ROLES
    )


def recipe_of(spec: GenerateSpec) -> Recipe:
    """The recipe that a run was made with, with the number of contexts that was settled for it."""
    recipe = Recipe.from_dict(spec.recipe_data or {})
    return dataclasses.replace(recipe, contexts=spec.settled_contexts) if spec.settled_contexts else recipe
