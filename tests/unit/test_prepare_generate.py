"""What is settled before a plan is made: contexts by the number of rows, sentences to write, the generator's model."""

from pathlib import Path
from typing import Any

import pytest

from syncse_local.config import Settings
from syncse_local.errors import SyncseError
from syncse_local.prepare.generate import _slice, _with_generator, contexts_of, generate, sized
from syncse_local.specs.generate import GenerateSpec
from syncse_local.synthesis.contexts import recipe_of
from syncse_local.synthesis.recipe import Recipe, load_recipe


def asked(sentences: Path | None = None, **given: Any) -> GenerateSpec:
    return GenerateSpec.asked(**({"input": str(sentences)} if sentences else {}), **given)


def recipe(**changes: object) -> Recipe:
    return load_recipe("starter-scratch").with_changes(**{"mode": "partial", **changes})


@pytest.mark.parametrize(
    ("changes", "given", "contexts", "count"),
    [
        ({}, {}, 200, None),
        ({"contexts_per_1000": 100}, {}, 4, None),
        ({"contexts_per_1000": 100, "samples": 3}, {}, 12, None),
        ({"contexts_per_1000": 100}, {"limit": 10}, 1, None),
        ({"contexts_per_1000": 100}, {"shard": "1/2"}, 4, None),
        ({"mode": "mixed"}, {}, 200, 40),
        ({"mode": "mixed", "scratch_share": 0.2}, {}, 200, 10),
        ({"mode": "mixed", "scratch_share": 0.2}, {"limit": 20}, 200, 5),
        ({"mode": "mixed"}, {"count": 7}, 200, 7),
        ({"mode": "mixed", "contexts_per_1000": 100}, {"count": 60}, 10, 60),
        ({"mode": "scratch"}, {"count": 9}, 200, 9),
    ],
)
def test_sizes(
    sentences: Path, changes: dict[str, object], given: dict[str, Any], contexts: int, count: int | None
) -> None:
    found, written = sized(asked(sentences, **given), recipe(**changes))
    assert found.contexts == contexts
    assert written == (count or 0)


@pytest.mark.parametrize(
    ("changes", "given", "written", "contexts"),
    [
        ({}, {}, 0, 8),
        ({"samples": 13}, {}, 0, 11),
        ({"samples": 1000}, {}, 0, 200),
        ({"contexts": 5}, {}, 0, 5),
        ({}, {"contexts": "recipe"}, 0, 200),
        ({}, {"contexts": "200"}, 0, 200),
        ({}, {"contexts": "7"}, 0, 7),
        ({"contexts": 5}, {"contexts": "70"}, 0, 70),
        ({"contexts_per_1000": 100}, {}, 0, 200),
        ({"samples": 13}, {"limit": 10}, 0, 8),
        ({"samples": 13}, {"shard": "1/2"}, 0, 11),
        ({"mode": "mixed"}, {}, 1000, 22),
    ],
)
def test_contexts_follow_the_rows(
    sentences: Path, changes: dict[str, object], given: dict[str, Any], written: int, contexts: int
) -> None:
    assert contexts_of(asked(sentences, **given), recipe(**changes), written) == contexts


@pytest.mark.parametrize("wish", ["0", "-3", "many", "100001", "8.5", "", "\u0663"])
def test_a_bad_number_of_contexts_is_refused(sentences: Path, wish: str) -> None:
    with pytest.raises(SyncseError, match="contexts"):
        contexts_of(asked(sentences, contexts=wish), recipe(), 0)


def test_the_recipes_number_leaves_its_plan_as_it_was(sentences: Path) -> None:
    def options(**given: Any) -> dict[str, Any]:
        spec = generate(asked(sentences, recipe="syncse-partial", force=True, **given), Settings())
        return spec.to_options()

    fewer, whole = options(), options(contexts="recipe")
    assert options(contexts="200") == whole
    assert "contexts" not in whole
    assert fewer.pop("contexts") == 8
    assert fewer == whole
    old, new = (recipe_of(GenerateSpec.of(found)) for found in (whole, {**whole, "contexts": 8}))
    assert old == load_recipe("syncse-partial")
    assert (new.contexts, old.contexts) == (8, 200)


def test_thinking_becomes_an_option_of_the_engine_where_it_is_given(sentences: Path) -> None:
    def engine(**given: Any) -> dict[str, Any]:
        return dict(generate(asked(sentences, force=True, **given), Settings()).to_options()["backend_options"])

    assert "thinking" not in engine()
    assert engine(thinking="on")["thinking"] == "on"
    assert engine(thinking="off", backend_options={"thinking": "auto"})["thinking"] == "auto"
    with pytest.raises(SyncseError):
        asked(sentences, thinking="maybe")


def test_a_generator_may_have_its_own_thinking_and_older_recipes_keep_their_hash() -> None:
    thinker = recipe(generators=[{"name": "a", "thinking": "on"}, {"name": "b"}])
    assert _with_generator(asked(generator="a"), thinker).thinking == "on"
    assert _with_generator(asked(generator="a", thinking="off"), thinker).thinking == "off"
    assert _with_generator(asked(generator="b"), thinker).thinking == "off"
    assert Recipe.from_dict(thinker.to_dict()) == thinker
    old = recipe(generators=[{"name": "a"}, {"name": "b"}])
    assert all("thinking" not in table for table in old.to_dict()["generators"])  # type: ignore[attr-defined]
    assert old.hash != thinker.hash


def test_a_scratch_recipe_is_told_how_many() -> None:
    with pytest.raises(SyncseError, match="How many"):
        sized(asked(), recipe(mode="scratch"))


def test_a_generators_model_stands_unless_a_flag_names_another() -> None:
    two = recipe(generators=[{"name": "a", "model": "x.gguf", "backend": "vllm"}, {"name": "b"}])
    chosen = _with_generator(asked(generator="a"), two)
    assert (chosen.model, chosen.backend) == ("x.gguf", "vllm")
    assert _with_generator(asked(generator="a", model="y.gguf"), two).model == "y.gguf"
    assert _with_generator(asked(generator="b"), two).model == ""
    with pytest.raises(SyncseError, match="Which generator"):
        _with_generator(asked(), two)
    one = recipe(generators=[{"name": "a", "model": "x.gguf"}])
    assert _with_generator(asked(), one).model == "x.gguf"


def test_a_whole_plan_leaves_no_trace_in_the_options() -> None:
    assert _slice(asked(), recipe()) == {}
    assert _slice(asked(shard="02/8"), recipe()) == {"shard": "2/8"}
