"""Shards and generators: slices of a plan that share nothing and leave nothing out, whatever the recipe and the input."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.errors import SyncseError
from syncse_local.specs.generate import GenerateSpec
from syncse_local.synthesis.generators import Generator
from syncse_local.synthesis.plan import EngineIdentity, PlannedRow, calls_for, plan_pairs, plan_sentences, sentences_of
from syncse_local.synthesis.recipe import load_pools, load_recipe
from syncse_local.synthesis.shards import PlanSlice, Shard
from syncse_local.text.clean import normalise, sentence_key

ENGINE = EngineIdentity("ab" * 32, "llamacpp", "0.3.36")
RECIPES = {name: (load_recipe(name), load_pools(load_recipe(name))) for name in ("starter", "syncse-partial")}
SCRATCH = (load_recipe("syncse-scratch"), load_pools(load_recipe("syncse-scratch")))
texts = st.lists(st.text(st.characters(codec=None), max_size=30), max_size=25, unique_by=normalise)
weights = st.lists(st.floats(0.1, 9), min_size=1, max_size=4)


def slices_of(of: int, shares: list[float]) -> tuple[tuple[Generator, ...], list[PlanSlice]]:
    generators = tuple(Generator(f"g{i}", weight=weight) for i, weight in enumerate(shares))
    specs = [
        GenerateSpec(shard=f"{i}/{of}", generator=g.name) for i, g in itertools.product(range(1, of + 1), generators)
    ]
    return generators, [PlanSlice.of(spec, generators) for spec in specs]


@pytest.mark.parametrize("name", list(RECIPES))
@settings(max_examples=40, deadline=None)
@given(sentences=texts, of=st.integers(1, 7), shares=weights, samples=st.integers(1, 3), seed=st.integers(0, 99))
def test_the_slices_are_the_plan(
    name: str, sentences: list[str], of: int, shares: list[float], samples: int, seed: int
) -> None:
    recipe, pools = RECIPES[name]
    recipe = recipe.with_changes(samples=samples, seed=seed, contexts=20)

    def plan(piece: PlanSlice) -> list[PlannedRow]:
        return list(plan_pairs(recipe, pools, ((sentence_key(s), s) for s in sentences), ENGINE, piece))

    found = [plan(piece) for piece in slices_of(of, shares)[1]]
    rows = [row for piece in found for row in piece]
    assert sorted(rows, key=lambda row: row.ordinal) == plan(PlanSlice())
    for piece in found:  # whole triplets
        assert [row.role for row in piece] == ["positive", "negative"] * (len(piece) // 2)
        assert all(a.ordinal + 1 == b.ordinal for a, b in zip(piece[::2], piece[1::2], strict=True))


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 400), of=st.integers(1, 6), shares=weights, start=st.integers(0, 30))
def test_the_slices_ask_for_all_sentences(count: int, of: int, shares: list[float], start: int) -> None:
    recipe, pools = SCRATCH
    calls = calls_for(recipe, count)
    slices = slices_of(of, shares)[1]
    found = [list(plan_sentences(recipe, pools, calls, ENGINE, start, piece)) for piece in slices]
    rows = sorted((row for piece in found for row in piece), key=lambda row: row.ordinal)
    assert rows == list(plan_sentences(recipe, pools, calls, ENGINE, start))
    assert sum(sentences_of(recipe, count, piece) for piece in slices) == count
    assert sum(piece.share for piece in slices) == pytest.approx(1)


@given(of=st.integers(1, 100_000), place=st.floats(0, 1, exclude_max=True))
def test_every_place_is_in_exactly_one_shard(of: int, place: float) -> None:
    number = min(int(place * of), of - 1) + 1
    near = range(max(1, number - 2), min(of, number + 2) + 1)
    assert [i for i in near if Shard(i, of).takes(place)] == [number]


def test_a_shard_has_a_share_of_the_positive_contexts_whole() -> None:
    recipe, pools = RECIPES["syncse-partial"]
    sentences = [f"Sentence {i}." for i in range(4000)]
    keyed = [(sentence_key(s), s) for s in sentences]
    shards = [
        {
            row.context_id
            for row in plan_pairs(recipe, pools, keyed, ENGINE, PlanSlice(Shard(i, 4)))
            if row.role == "positive"
        }
        for i in range(1, 5)
    ]
    assert all(45 <= len(shard) <= 52 for shard in shards)
    assert sum(map(len, shards)) <= 200 + 3  # only a context at a border is in two


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "a/b", "1/3/2", "1.5/3", "1/9999999"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(SyncseError) as caught:
        Shard.parse(text)
    assert "1/8" in caught.value.hint


def test_generators_are_taken_by_weight() -> None:
    recipe, pools = RECIPES["starter"]
    generators = (Generator("big", weight=3), Generator("small", weight=1))
    keyed = [(sentence_key(str(i)), str(i)) for i in range(1000)]
    counts = [
        len(list(plan_pairs(recipe, pools, keyed, ENGINE, PlanSlice.of(GenerateSpec(generator=g.name), generators))))
        for g in generators
    ]
    assert sum(counts) == 2000
    assert 1350 < counts[0] < 1650
    with pytest.raises(SyncseError) as caught:
        PlanSlice.of(GenerateSpec(generator="smal"), generators)
    assert caught.value.hint == 'Did you mean "small"?'
