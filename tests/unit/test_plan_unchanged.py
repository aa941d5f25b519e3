"""The plan of the shipped recipes on 1,000 sentences is what version 0.1.0 planned: prompts, contexts, seeds and keys."""

import hashlib

import pytest

from syncse_local.synthesis import plan
from syncse_local.synthesis.recipe import load_pools, load_recipe

# Computed by the code of 0.1.0 (commit 593c392) with the lines below.
PLANNED = {
    "domain": "59f64213e6f7a3c2417354348ca36ab16782f9bd4823d8f422b6385b63f7dd1f",
    "naive": "f2952e88376e245f1562a22945e17e7321c40f66192d93352eb80eaea0784aee",
    "starter": "61677352182e8748d72533c469cbca07dddf6212afef2650acb28d11b834fefe",
    "starter-scratch": "4004b954cbf0727c75594fae5b2d224426149dd6545f882082b58f9035ecbc4d",
    "syncse-partial": "15ee943a905aa411b2b810b6ccef0fd8742bfeeda78482fde9e18663d259b172",
    "syncse-scratch": "f0dc449def800b80ecb0877526a8d77d25b3714746ad782d5e4f459c13932c95",
}
WRITTEN = 50


@pytest.mark.parametrize("name", PLANNED)
def test_a_shipped_recipe_plans_what_it_planned(name: str) -> None:
    recipe = load_recipe(name)
    pools = load_pools(recipe)
    engine = plan.EngineIdentity("0" * 64, "llamacpp", "1")
    pairs = ((opened, of) for opened in range(40) for of in range(25))
    lines = [f"Sentence number {i} says that {a} of the {b} boxes were opened." for i, (a, b) in enumerate(pairs)]
    digest = hashlib.sha256(recipe.hash.encode() + pools.hash.encode())
    if recipe.mode != "partial":
        for row in plan.plan_sentences(recipe, pools, WRITTEN, engine):
            digest.update(repr(tuple(row)).encode())
    keyed = ((hashlib.sha256(line.encode()).hexdigest()[:32], line) for line in lines)
    for row in plan.plan_pairs(recipe, pools, keyed, engine):
        digest.update(repr(tuple(row)).encode())
    assert digest.hexdigest() == PLANNED[name]
