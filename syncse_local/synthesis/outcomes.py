"""A stored answer read by the parser: what generating and re-parsing share. Knows the recipe; knows no engine."""

import json

from syncse_local.store.ledger import Outcome, Planned
from syncse_local.synthesis.parse import parse_pair, parse_sentences
from syncse_local.synthesis.plan import context_of
from syncse_local.synthesis.recipe import Pools, Recipe


def outcomes(recipe: Recipe, pools: Pools, row: Planned, text: str, finish: str) -> list[Outcome]:
    """What the parser of this program makes of a raw answer to a planned request."""
    prefix = context_of(recipe, pools, row.context_id)
    if row.role == "sentence":
        topics, count = json.loads(row.topics or "[]"), recipe.sentences_per_call
        parsed = parse_sentences(text, finish, prefix, recipe.limits, topics, count)
    else:
        parsed = [parse_pair(text, finish, row.turn, prefix, recipe.limits)]
    return [Outcome(p.text, p.failure and str(p.failure), i) for i, p in enumerate(parsed)]
