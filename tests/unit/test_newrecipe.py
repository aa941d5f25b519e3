"""Copies of recipes: the same recipe under another name, its lists beside it, and nothing half-written or replaced."""

from pathlib import Path

import pytest

from syncse_local.errors import SyncseError
from syncse_local.synthesis.newrecipe import copy_recipe
from syncse_local.synthesis.recipe import list_recipes, load_pools, load_recipe


@pytest.mark.parametrize("name", list_recipes())
def test_a_copy_is_the_same_recipe(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = copy_recipe(name, "mine")
    source = load_recipe(name)
    copy = load_recipe("./mine.toml")
    assert copy.name == "mine"
    assert load_pools(copy).hash == load_pools(source).hash
    assert copy.filters == source.filters
    assert [path.name for path in made] == ["mine.toml"] + (
        ["mine-genres.toml", "mine-topics.toml"] if source.mode == "scratch" else []
    )


def test_edited_lists_are_what_the_copy_draws_from(tmp_path: Path) -> None:
    copy_recipe("domain", str(tmp_path / "mine.toml"))
    (tmp_path / "mine-genres.toml").write_text('genres = ["bug report"]', encoding="utf-8")
    assert load_pools(load_recipe(str(tmp_path / "mine.toml"))).genres == ("bug report",)


def test_a_copy_of_a_copy(tmp_path: Path) -> None:
    copy_recipe("domain", str(tmp_path / "one.toml"))
    (tmp_path / "deeper").mkdir()
    copy_recipe(str(tmp_path / "one.toml"), str(tmp_path / "deeper" / "two.toml"))
    pools = load_recipe(str(tmp_path / "deeper" / "two.toml")).pools
    assert pools.genres == str(tmp_path / "deeper" / "two-genres.toml")


def test_nothing_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine-topics.toml").write_text("kept", encoding="utf-8")
    with pytest.raises(SyncseError, match="exists"):
        copy_recipe("domain", str(tmp_path / "mine"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine-topics.toml"]


def test_a_broken_source_and_a_folder_that_is_not_there_leave_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("shot = 5", encoding="utf-8")
    for source, target in ((str(broken), "mine"), ("starter", "no/where/mine")):
        with pytest.raises(SyncseError):
            copy_recipe(source, str(tmp_path / target))
    assert [path.name for path in tmp_path.iterdir()] == ["broken.toml"]
