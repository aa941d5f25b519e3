"""Recipes and settings that are edited: a file is replaced by a sound text only. Previews: what a run would send."""

from pathlib import Path

import pytest

from syncse_local import settingsfile
from syncse_local.errors import SyncseError
from syncse_local.synthesis.editing import own_recipes, recipe_text, save_recipe
from syncse_local.synthesis.newrecipe import copy_recipe
from syncse_local.synthesis.plan import EngineIdentity, context_of, plan_pairs
from syncse_local.synthesis.preview import preview
from syncse_local.synthesis.recipe import list_recipes, load_pools, load_recipe
from syncse_local.text.clean import sentence_key


def test_own_recipes_are_listed_without_their_lists(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    copy_recipe("domain", str(tmp_path / "recipes" / "mine"))
    assert len(list((tmp_path / "recipes").iterdir())) == 3
    assert [path.name for path in own_recipes(tmp_path)] == ["mine.toml"]
    assert own_recipes(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    "bad", ["shot = 5", "seed = 'x'", "not toml", 'mode = "partial"\n[pools]\npositive = "./no.toml"']
)
def test_an_unsound_recipe_is_not_saved_and_nothing_is_left(tmp_path: Path, bad: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(recipe_text("starter"), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(SyncseError) as refused:
        save_recipe(path, bad)
    assert ".draft" not in refused.value.detail
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_sound_recipe_with_pools_beside_it_is_saved(tmp_path: Path) -> None:
    path = copy_recipe("domain", str(tmp_path / "mine"))[0]
    text = path.read_text(encoding="utf-8") + "\n# edited\n"
    save_recipe(path, text)
    assert path.read_text(encoding="utf-8") == text


def test_settings_are_saved_when_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config.toml"
    seen: list[object] = []
    settingsfile.save(path, "threads = 2\n", seen.append)
    assert settingsfile.read(path) == "threads = 2\n"
    assert seen == [{"threads": 2}]
    for bad in ("thread = 2", "threads = [", "threads = 'many'"):
        with pytest.raises(SyncseError):
            settingsfile.save(path, bad, seen.append)
    assert settingsfile.read(path) == "threads = 2\n"
    assert settingsfile.read(tmp_path / "none.toml") == ""


@pytest.mark.parametrize("name", list_recipes())
def test_a_preview_is_what_the_plan_sends(name: str) -> None:
    recipe = load_recipe(name)
    pools = load_pools(recipe)
    found = preview(name, sentence="A dog runs.")
    planned = list(
        plan_pairs(recipe, pools, [(sentence_key("A dog runs."), "A dog runs.")], EngineIdentity("m", "b", "v"))
    )
    pairs = [request for request in found if request.role != "sentence"]
    assert [(r.role, r.context, r.seed) for r in pairs] == [(p.role, p.context_id, p.seed) for p in planned[:2]]
    for request in pairs:
        assert request.messages[:-1] == context_of(recipe, pools, request.context)
        assert request.messages[-1].content == "A dog runs."
    assert any(request.role == "sentence" for request in found) is (recipe.mode == "scratch")


def test_a_preview_goes_through_the_rows_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("sentence\nOne is here.\nTwo are here.\n", encoding="utf-8")
    assert preview("starter", 2, str(path))[0].messages[-1].content == "Two are here."
    with pytest.raises(SyncseError, match="No such row"):
        preview("starter", 3, str(path))
