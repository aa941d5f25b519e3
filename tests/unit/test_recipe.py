"""Recipes: the shipped ones are the paper's, a changed one is checked, and what is unknown is refused."""

import tomllib
from pathlib import Path

import pytest

from syncse_local.errors import SyncseError
from syncse_local.synthesis.recipe import RECIPES, Recipe, list_recipes, load_pools, load_recipe


@pytest.mark.parametrize("name", list_recipes())
def test_shipped_recipes_load_with_their_pools(name: str) -> None:
    recipe = load_recipe(name)
    pools = load_pools(recipe)
    assert recipe.name == name
    assert recipe.description
    assert (pools.sentence is not None) == (recipe.mode == "scratch")
    assert Recipe.from_dict(recipe.to_dict()) == recipe


def test_the_papers_settings() -> None:
    partial, scratch = load_recipe("syncse-partial"), load_recipe("syncse-scratch")
    for recipe in (partial, scratch):
        assert recipe.shots == 5
        assert (recipe.positive.temperature, recipe.positive.top_p) == (1.0, 0.9)
        assert (recipe.negative.temperature, recipe.negative.top_p) == (1.0, 0.95)
    asked = scratch.sentence
    assert (asked.temperature, asked.presence_penalty, asked.frequency_penalty) == (1.3, 0.3, 0.3)
    assert (scratch.sentences_per_call, scratch.topics_per_call, scratch.sentence_shots) == (20, 6, 1)
    assert scratch.limits.sentence_max_words == 32


def test_the_hash_follows_every_value() -> None:
    recipe = load_recipe("starter")
    assert recipe.hash == load_recipe("starter").hash
    changes: list[dict[str, object]] = [
        {"seed": 2}, {"samples": 2}, {"temperature": 0.1}, {"sampling.negative.stop": ["\n"]}, {"limits.max_words": 9},
        {"pools.positive": "positive"},
    ]  # fmt: skip
    hashes = {recipe.with_changes(**change).hash for change in changes}
    assert len(hashes | {recipe.hash}) == len(changes) + 1


def test_keys_that_came_later_leave_the_hash_of_recipes_without_them() -> None:
    recipe = load_recipe("starter")
    assert recipe.hash == "eb57edbc0082fb21e70e55376535d892538026b652333e799fad6806c4989a7e"
    later: list[dict[str, object]] = [
        {"scratch_share": 0.3}, {"contexts_per_1000": 2}, {"limits.min_words": 2}, {"generators": [{"name": "big"}]},
    ]  # fmt: skip
    hashes = {recipe.with_changes(**change).hash for change in later}
    assert len(hashes | {recipe.hash}) == len(later) + 1


def test_generators_of_a_file_lie_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    generators = (
        '[[generators]]\nname = "big"\nmodel = "./big.gguf"\nweight = 2\n[[generators]]\nname = "org"\nmodel = "org/x"'
    )
    path.write_text(f'pools = {{ positive = "starter-positive" }}\nshots = 0\n{generators}', encoding="utf-8")
    recipe = load_recipe(str(path))
    assert [(g.name, g.model, g.weight) for g in recipe.generators] == [
        ("big", str(tmp_path / "big.gguf"), 2.0),
        ("org", "org/x", 1.0),
    ]
    assert Recipe.from_dict(recipe.to_dict()) == recipe


def test_changes() -> None:
    recipe = load_recipe("starter").with_changes(
        seed=7, temperature=0.5, samples=None, **{"sampling.positive.top_p": 0.7, "limits.max_words": 9}
    )
    assert (recipe.seed, recipe.samples, recipe.limits.max_words) == (7, 1, 9)
    assert (recipe.positive.temperature, recipe.negative.temperature, recipe.sentence.temperature) == (0.5, 0.5, 0.5)
    assert (recipe.positive.top_p, recipe.negative.top_p) == (0.7, 0.9)


@pytest.mark.parametrize(
    ("change", "said", "hint"),
    [
        ({"sead": 1}, '"sead"', 'Did you mean "seed"?'),
        ({"limits.max_word": 1}, "max_word", 'Did you mean "max_words"?'),
        ({"nothing.here": 1}, '"nothing"', "Known"),
        ({"seed": -1}, "whole number", "Correct"),
        ({"seed": True}, "whole number", "Correct"),
        ({"seed": 1.5}, "whole number", "Correct"),
        ({"temperature": float("nan")}, "number from 0 to 5", "Correct"),
        ({"temperature": "hot"}, "number from 0 to 5", "Correct"),
        ({"top_p": 0}, "top_p", "Correct"),
        ({"stop": "x"}, "list of non-empty strings", "Correct"),
        ({"mode": "half"}, "partial, scratch, mixed", "Correct"),
        ({"scratch_share": 1}, "scratch_share", "Correct"),
        ({"contexts_per_1000": -1}, "contexts_per_1000", "Correct"),
        ({"limits.min_words": 50}, "above max_words", "Correct"),
        ({"generators": "big"}, "generators", "Write"),
        ({"generators": [{"name": "a"}, {"name": "a"}]}, 'called "a"', "Give"),
        ({"generators": [{"name": "a", "wieght": 2}]}, "wieght", 'Did you mean "weight"?'),
    ],
)
def test_bad_changes_are_refused(change: dict[str, object], said: str, hint: str) -> None:
    with pytest.raises(SyncseError) as caught:
        load_recipe("starter").with_changes(**change)
    assert said in caught.value.detail
    assert caught.value.hint.startswith(hint)


def test_unknown_keys_and_names_are_refused_with_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    for content, hint in (
        ("shot = 5", 'Did you mean "shots"?'),
        ("[sampling.positve]\ntop_p = 1", 'Did you mean "positive"?'),
        ("[sampling.positive]\ntemprature = 1", 'Did you mean "temperature"?'),
        ('[pools]\ngenre = "genres"', 'Did you mean "genres"?'),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(SyncseError) as caught:
            load_recipe(str(path))
        assert caught.value.hint == hint
    with pytest.raises(SyncseError) as caught:
        load_recipe("syncse-partal")
    assert caught.value.hint == 'Did you mean "syncse-partial"?'


def test_a_users_recipe_finds_its_pools_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.toml").write_text('genres = ["haiku"]', encoding="utf-8")
    shipped = (RECIPES / "starter-scratch.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(shipped.replace('genres = "genres"', 'genres = "own.toml"'), encoding="utf-8")
    monkeypatch.chdir("/")
    assert load_pools(load_recipe(str(tmp_path / "mine.toml"))).genres == ("haiku",)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("syncse-partial", {"shots": 19}, "18 exemplars for 19 shots"),
        ("naive", {"shots": 1}, "0 exemplars for 1 shots"),
        ("starter-scratch", {"sentence_shots": 1}, "no exemplar sets"),
        ("syncse-scratch", {"topics_per_call": 38}, "37 topics"),
        ("starter", {"pools.positive": "negative"}, "role 'negative'"),
    ],
)
def test_what_the_pools_cannot_give_is_said(name: str, change: dict[str, object], said: str) -> None:
    with pytest.raises(SyncseError) as caught:
        load_pools(load_recipe(name).with_changes(**change))
    assert said in caught.value.detail


def test_shipped_files_name_every_pool_they_use() -> None:
    for path in RECIPES.glob("*.toml"):
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        needed = {"positive", "negative"} | ({"sentence", "genres", "topics"} if raw["mode"] == "scratch" else set())
        assert set(raw["pools"]) == needed
