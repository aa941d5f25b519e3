"""A recipe of one's own: a copy of a recipe's file under a new name, with copies of the lists a user would edit.

Knows files; what they must hold is checked by loading the result.
"""

import dataclasses
import re
import shutil
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.synthesis.pools import POOLS
from syncse_local.synthesis.recipe import POOL_KEYS, RECIPES, Recipe, load_pools, load_recipe
from syncse_local.text.toml import canonical, locate

LISTS = ("genres", "topics")


def copy_recipe(source: str, target: str) -> list[Path]:
    """Write `target` (a name, or the path of a .toml file) as a copy of a recipe; returns the files written.

    A recipe that writes its own sentences gets copies of its genres and topics beside it. Raises SyncseError for a
    recipe that cannot be loaded, and where a file would be replaced.
    """
    recipe = load_recipe(source)
    load_pools(recipe)
    path = Path(target if target.endswith(".toml") else f"{target}.toml").expanduser()
    text = locate(source, RECIPES, "recipe").read_text(encoding="utf-8-sig")
    lists = {key: path.with_name(f"{path.stem}-{key}.toml") for key in LISTS if recipe.writes}
    made = [path, *lists.values()]
    _refuse_existing(made)
    text = _with_line(text, "name", path.stem)
    for key in POOL_KEYS:
        text = _with_line(text, key, lists[key].name if key in lists else getattr(recipe.pools, key))
    try:
        for key, copy in lists.items():
            shutil.copyfile(locate(getattr(recipe.pools, key), POOLS, key), copy)
        path.write_text(text, encoding="utf-8")
        _check(path, recipe)
    except (OSError, SyncseError) as error:
        for file in made:
            file.unlink(missing_ok=True)
        if isinstance(error, SyncseError):
            raise
        detail = f"{path}: {error.strerror or error}."
        raise SyncseError("Cannot write the recipe", detail, "Choose another place.", ExitCode.PREFLIGHT) from error
    return made


def _with_line(text: str, key: str, value: str) -> str:
    """The text with the value of every line `key = ...` replaced; a key that has no line keeps its default."""
    line = f"{key} = {canonical(value)}"
    return re.sub(rf"(?m)^{key}[ \t]*=.*$", lambda _: line, text)


def _refuse_existing(paths: list[Path]) -> None:
    there = next((path for path in paths if path.exists()), None)
    if there:
        raise SyncseError("The file exists", f"{there} would be replaced.", "Choose another name.", ExitCode.USAGE)


def _check(path: Path, source: Recipe) -> None:
    """Load what was written: the same recipe under another name."""
    made = load_recipe(str(path.resolve()))
    same = dataclasses.replace(made, name=source.name, pools=source.pools) == source
    if not same or load_pools(made).hash != load_pools(source).hash:
        detail = f"{path} would not read as its source does."
        raise SyncseError(
            "The recipe cannot be copied", detail, "Copy the file by hand and edit it.", ExitCode.PREFLIGHT
        )
