"""Where one triplet comes from: its prompts with their exemplars, raw answers, and what parser, filters and persons said.

Prompts are not stored with every request: they are made again from the run's recipe and the pool files, and only where
these are still the ones that the run was planned with.
"""

import sqlite3
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.specs.generate import GenerateSpec
from syncse_local.store import last_word, triplet_detail
from syncse_local.synthesis.contexts import recipe_of
from syncse_local.synthesis.plan import context_of
from syncse_local.synthesis.recipe import Pools, Recipe, load_pools

NO_RECIPE = "The run names no recipe that has this prompt."
KEPT = ("run_id", "ordinal", "sample", "source", "sentence")


def provenance(connection: sqlite3.Connection, run_id: str, ordinal: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """Everything about a triplet of a run with these options. Raises SyncseError (USAGE) where there is none.

    `positive`, `negative`, `state` and `reason` are what counts now; `halves` are the two requests with `raw`, `parsed` and
    `messages` (empty, with a `note`, where the prompt cannot be made again); `filters` and `reviews` what was said.
    """
    found = triplet_detail.triplet(connection, run_id, ordinal)
    return {
        **{name: found[name] for name in KEPT},
        **last_word.standing(found),
        "halves": [{**half, **_asked(options, half)} for half in triplet_detail.halves(connection, found)],
        "filters": triplet_detail.verdicts(connection, run_id, ordinal),
        "reviews": triplet_detail.reviews(connection, found),
    }


def _asked(options: Mapping[str, Any], half: Mapping[str, Any]) -> dict[str, Any]:
    try:
        spec = GenerateSpec.of(options)
        if spec.recipe_data is None:
            return {"messages": [], "note": NO_RECIPE}
        recipe = recipe_of(spec)
        pools = _pools(recipe)
        if spec.pools_hash not in ("", pools.hash):
            return {"messages": [], "note": "The prompt pools have changed since this run was planned."}
        context = context_of(recipe, pools, half["context_id"])
    except (SyncseError, KeyError, ValueError, IndexError) as error:
        what = error.detail if isinstance(error, SyncseError) else NO_RECIPE
        return {"messages": [], "note": what}
    said = [{"role": message.role, "content": message.content} for message in context]
    return {"messages": [*said, {"role": "user", "content": half["turn"]}], "note": ""}


@lru_cache(maxsize=4)
def _pools(recipe: Recipe) -> Pools:
    return load_pools(recipe)
