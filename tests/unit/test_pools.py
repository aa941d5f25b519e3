"""The shipped pools have what the method needs, and a user's file is checked to the last key."""

from pathlib import Path

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.synthesis.pools import POOLS, ROLES, Role, load_list, load_pool


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_four_prompts(role: Role) -> None:
    assert len(load_pool(role, role).prompts) == 4
    assert [p.id for p in load_pool(f"starter-{role}", role).prompts] == [p.id for p in load_pool(role, role).prompts]


@pytest.mark.parametrize("role", ["positive", "negative"])
def test_each_pair_prompt_has_eighteen_exemplars(role: Role) -> None:
    for prompt in load_pool(role, role).prompts:
        assert len(prompt.exemplars) == 18
        assert prompt.exemplars[17].id == f"{prompt.id}-18"
        assert len({e.sentence for e in prompt.exemplars}) == 18
        assert all(e.sentence != e.answer for e in prompt.exemplars)


def test_sentence_sets_genres_and_topics() -> None:
    pool, genres, topics = (
        load_pool("sentence", "sentence"),
        load_list("genres", "genres"),
        load_list("topics", "topics"),
    )
    assert (len(pool.sets), len(genres), len(topics)) == (18, 21, 37)
    assert {"image caption", "video caption"} <= set(genres)
    for found in pool.sets:
        assert found.genre in genres
        assert set(found.topics) <= set(topics)
        assert len(found.topics) == len(found.sentences) == 6


def test_naive_pools_are_one_prompt_without_exemplars() -> None:
    roles: tuple[Role, ...] = ("positive", "negative")
    for role in roles:
        (prompt,) = load_pool(f"naive-{role}", role).prompts
        assert prompt.exemplars == ()


def test_a_copy_loads_and_has_the_hash_of_its_content(tmp_path: Path) -> None:
    original = (POOLS / "positive.toml").read_text(encoding="utf-8")
    mine = tmp_path / "mine.toml"
    mine.write_text("# a comment more\n" + original, encoding="utf-8")
    assert load_pool(str(mine), "positive").hash == load_pool("positive", "positive").hash
    mine.write_text(original.replace("heating down", "heating up"), encoding="utf-8")
    assert load_pool(str(mine), "positive").hash != load_pool("positive", "positive").hash


PROMPT = 'version = 1\nrole = "positive"\n[[prompt]]\nid = "a"\ntext = "Say it."\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PROMPT + 'exemplars = "x"', 'unknown key "exemplars"'),
        (PROMPT + '[[prompt.exemplar]]\nsentense = "x"\nanswer = "y"', 'unknown key "sentense"'),
        (PROMPT + '[[prompt.exemplar]]\nsentence = "x"', "answer is missing"),
        (PROMPT + '[[prompt.exemplar]]\nsentence = "x"\nanswer = "  "', "must be a non-empty string"),
        (PROMPT + '[[prompt]]\nid = "a"\ntext = "Again."', 'the id "a" twice'),
        (PROMPT.replace('"a"', '"A b/c"'), "must be lower-case"),
        (PROMPT.replace("Say it.", ""), "non-empty"),
        (PROMPT.replace("version = 1", "version = 2"), "reads version 1"),
        (PROMPT + "weight = -1", "weight must be a number"),
        ('version = 1\nrole = "positive"', "at least one"),
        (PROMPT.replace("positive", "negative"), "role 'negative'"),
        ('role = "positive"\nprompt = 3', "array of tables"),
        ('role = "positive"\nprompt = [3]', "should be a table"),
        ("version = = 1", "not valid TOML"),
        ("a = " + "[" * 100_000, "not valid TOML"),
        ('role = "positive"\nrole = "positive"', "not valid TOML"),
    ],
)
def test_bad_pools_are_refused_with_the_place(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SyncseError) as caught:
        load_pool(str(path), "positive")
    assert said in caught.value.detail
    assert caught.value.hint
    assert caught.value.code == ExitCode.USAGE


def test_suggestions() -> None:
    with pytest.raises(SyncseError) as caught:
        load_pool("positve", "positive")
    assert caught.value.hint == 'Did you mean "positive"?'


def test_unreadable_pools(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'role = "caf\xe9"')
    for path, said in ((latin, "byte 11"), (tmp_path, "directory"), (tmp_path / "none.toml", "does not exist")):
        with pytest.raises(SyncseError) as caught:
            load_pool(f"{path}/" if path == tmp_path else str(path), "positive")
        assert said in caught.value.detail


def test_lists_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "g.toml"
    for content, said in (
        ("genres = []", "non-empty list"),
        ('genres = ["a", "a"]', "twice"),
        ('genre = ["a"]', "unknown"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(SyncseError) as caught:
            load_list(str(path), "genres")
        assert said in caught.value.detail
