"""The plan is a function of each row alone: order, company and repetition change nothing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.synthesis.plan import EngineIdentity, PlannedRow, arrangement, plan_pairs
from syncse_local.synthesis.recipe import Pools, Recipe, load_pools, load_recipe
from syncse_local.text.clean import normalise, sentence_key

ENGINE = EngineIdentity("ab" * 32, "llamacpp", "0.3.36")
RECIPES: dict[str, tuple[Recipe, Pools]] = {}
texts = st.lists(st.text(st.characters(codec=None), max_size=60), max_size=12, unique_by=normalise)


def rows_of(name: str, sentences: list[str], seed: int, samples: int) -> list[PlannedRow]:
    if name not in RECIPES:
        RECIPES[name] = (load_recipe(name), load_pools(load_recipe(name)))
    recipe, pools = RECIPES[name]
    recipe = recipe.with_changes(seed=seed, samples=samples, contexts=20)
    found = plan_pairs(recipe, pools, ((sentence_key(s), s) for s in sentences), ENGINE)
    return [row._replace(ordinal=0) for row in found]


@pytest.mark.parametrize("name", ["starter", "syncse-partial"])
@settings(max_examples=40, deadline=None)
@given(sentences=texts, more=texts, seed=st.integers(0, 2**63 - 1), samples=st.integers(1, 3), shuffle=st.randoms())
def test_order_and_other_rows_change_nothing(
    name: str, sentences: list[str], more: list[str], seed: int, samples: int, shuffle: random.Random
) -> None:
    rows = rows_of(name, sentences, seed, samples)
    mixed = sentences + more
    shuffle.shuffle(mixed)
    assert set(rows) <= set(rows_of(name, mixed, seed, samples))
    assert set(rows_of(name, sentences, seed, 1)) <= set(rows)
    assert len({row.key for row in rows}) == len(rows) == 2 * samples * len(sentences)


@given(number=st.integers(0, 2**128), size=st.integers(1, 40), data=st.data())
def test_an_arrangement_has_no_index_twice(number: int, size: int, data: st.DataObject) -> None:
    chosen = arrangement(number, size, data.draw(st.integers(0, size)))
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) <= set(range(size))
