"""Recipes of one's own in a workspace: which there are, their text, and saving an edited one only where it is sound."""

from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.synthesis.newrecipe import LISTS
from syncse_local.synthesis.recipe import RECIPES, load_pools, load_recipe
from syncse_local.text.toml import MAX_BYTES, locate

FOLDER = "recipes"


def own_recipes(workspace: Path) -> list[Path]:
    """The recipe files of a workspace by name, without the lists that lie beside them."""
    found = sorted((workspace / FOLDER).glob("*.toml"))
    return [
        path
        for path in found
        if not path.name.startswith(".") and not path.stem.endswith(tuple(f"-{x}" for x in LISTS))
    ]


def recipe_text(name: str) -> str:
    """The file of a recipe as it is. Raises SyncseError where it cannot be read."""
    path = locate(name, RECIPES, "recipe")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SyncseError("Cannot read the recipe", f"{path} is too large.", "A recipe is a short text file.")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SyncseError(
            "Cannot read the recipe", f"{path}: {error}.", "Check the file.", ExitCode.PREFLIGHT
        ) from error


def save_recipe(path: Path, text: str) -> None:
    """Replace a recipe's file with `text` if that is a sound recipe with sound pools; else it stays as it is.

    Raises SyncseError that says what is wrong with it.
    """
    draft = path.with_name(f".{path.stem}.draft.toml")  # beside it: its pools may be named relative to it
    try:
        draft.write_text(text, encoding="utf-8")
        load_pools(load_recipe(str(draft)))
        draft.replace(path)
    except SyncseError as error:
        detail = error.detail.replace(str(draft), str(path)).replace(draft.name, path.name)
        raise SyncseError(error.title, detail, error.hint, error.code) from error
    except OSError as error:
        detail = f"{path}: {error.strerror or error}."
        raise SyncseError("Cannot write the recipe", detail, "Check the directory.", ExitCode.PREFLIGHT) from error
    finally:
        draft.unlink(missing_ok=True)
