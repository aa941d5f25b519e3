"""Documents fail when they are stale: links, verbs, recipes, settings, failures, dependencies, model cards."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from syncse_local import config
from syncse_local.cli.main import build
from syncse_local.synthesis.parse import Failure
from syncse_local.synthesis.recipe import list_recipes
from tests.docs.pages import PAGES


def _verbs() -> set[str]:
    actions = [action for action in build()._actions if action.choices]
    return set(actions[0].choices or ())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), f"{page}: {target}"


def test_the_readme_names_every_verb_and_no_other(repo: Path) -> None:
    text = (repo / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == _verbs()


def test_commands_in_the_readme_can_be_parsed(repo: Path) -> None:
    text = (repo / "README.md").read_text(encoding="utf-8")
    commands = [line.split("#")[0].split()[1:] for line in text.splitlines() if line.startswith("syncse ")]
    assert len(commands) >= 5
    for command in commands:
        build().parse_args(command or ["tui"])


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("recipes.md", list_recipes()),
        ("settings.md", list(config.TYPES)),
        ("failures.md", [str(failure) for failure in Failure]),
    ],
)
def test_the_guide_names_every_recipe_setting_and_failure(repo: Path, page: str, names: list[str]) -> None:
    text = (repo / "docs" / "guide" / page).read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_guide_links_each_of_its_pages(repo: Path) -> None:
    guide = repo / "docs" / "guide"
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (guide / "README.md").read_text(encoding="utf-8")))
    assert linked == {page.name for page in guide.glob("*.md")} - {"README.md"}


def test_every_dependency_has_a_reason(repo: Path) -> None:
    project = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    page = (repo / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    names = {re.split(r"[\[<>=]", entry)[0] for entry in listed} - {"syncse-local"}
    assert [name for name in sorted(names) if name not in page] == []


def test_every_pinned_requirement_is_exact(repo: Path) -> None:
    lines = (repo / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in lines if not line.startswith("#"))


@pytest.mark.parametrize("name", ["starter-llm", "starter-encoder", "starter-sts", "starter-sentences"])
def test_each_starter_model_has_a_card(repo: Path, name: str) -> None:
    card = (repo / "models" / name / "README.md").read_text(encoding="utf-8").lower()
    assert "licence" in card or "cc0" in card or "cc by" in card
    assert "cannot" in card or "can't" in card


@pytest.mark.parametrize(
    ("card", "weights"), [("starter-llm", "starter-llm.gguf"), ("starter-encoder", "model.safetensors")]
)
def test_a_card_belongs_to_the_weights_beside_it(repo: Path, card: str, weights: str) -> None:
    folder = repo / "models" / card
    content = (folder / weights).read_bytes()
    assert hashlib.sha256(content).hexdigest() in (folder / "README.md").read_text(encoding="utf-8")
    assert len(content) <= 16_000_000


def test_no_module_is_without_its_opening_lines(repo: Path) -> None:
    for path in [*repo.glob("syncse_local/**/*.py"), *repo.glob("tui/**/*.py"), *repo.glob("scripts/*.py")]:
        assert path.read_text(encoding="utf-8").startswith('"""'), path
