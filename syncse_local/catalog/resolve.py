"""From what a person calls a model to where it lies: a path, a name in the catalog, or the beginning of one."""

from collections.abc import Callable
from pathlib import Path

from syncse_local.catalog.places import found_models
from syncse_local.catalog.walk import models_below
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found, ModelEntry
from syncse_local.modelfiles.gguf_header import is_gguf
from syncse_local.modelfiles.gguf_parts import parts_of

SHOWN = 12
"""Candidates in an error: more are not read, and the rest is counted."""


def resolve(
    text: str, settings: Settings, workspace: Path, what: str = "model", usable_by: str = "", kind: str = ""
) -> Path:
    """The path of the model called `text`: an existing path, or the one model of that name.

    `usable_by` and `kind` leave only models with that backend and of that kind. Raises SyncseError: PREFLIGHT where
    there is none, USAGE where there are several, naming them.
    """
    path = Path(text).expanduser()
    if text and path.exists():
        return _whole(path.absolute())

    def fits(entry: ModelEntry) -> bool:
        return (not usable_by or usable_by in entry.backends) and (not kind or entry.kind == kind)

    return find_one(text, settings, workspace, what, fits).path


def _whole(path: Path) -> Path:
    """The first part where another of a split GGUF is named, and the GGUF model of a directory that is no model itself.

    Links stay as they are: a cache's parts are beside each other only by their own names. Raises SyncseError: PREFLIGHT
    where a part is missing, USAGE where a directory has several models.
    """
    if path.is_dir():
        inside = [found.path for found in models_below(path, "path")]
        if path in inside or not inside:
            return path
        if len(inside) > 1:
            shown = ", ".join(str(each.relative_to(path)) for each in inside[:SHOWN])
            detail = f"{path} is a directory with {len(inside)} models: {shown}."
            raise SyncseError("Which model?", detail, "Name one of them.", ExitCode.USAGE)
        return inside[0]
    if not is_gguf(path):
        return path
    first = parts_of(path)[0]
    return path if first.samefile(path) else first


def find_one(
    text: str,
    settings: Settings,
    workspace: Path,
    what: str = "model",
    fits: Callable[[ModelEntry], bool] = lambda entry: True,
) -> ModelEntry:
    """The one fitting model of this name; see `resolve` for the errors."""
    named = [describe(found) for found in matching(text, found_models(settings, workspace))]
    fitting = [entry for entry in named if fits(entry)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        shown = ", ".join(f"{entry.source}:{entry.name}" for entry in fitting[:SHOWN])
        more = f" and {len(fitting) - SHOWN} more" if len(fitting) > SHOWN else ""
        raise SyncseError(
            f"Several models are called {text}",
            f"It may be {shown}{more}.",
            "Write more of its name.",
            ExitCode.USAGE,
        )
    raise _none(text, what, named)


def matching(text: str, candidates: list[Found]) -> list[Found]:
    """The candidates of this very name, or else those whose name or last part begins with it; case does not count.

    A name may have its source before it, as in `ollama:llama3:8b`.
    """
    wanted = text.lower()
    if not wanted:
        return []
    spelled = [(_spellings(found), found) for found in candidates]
    exact = [found for names, found in spelled if wanted in names]
    return exact or [found for names, found in spelled if any(name.startswith(wanted) for name in names)]


def _spellings(found: Found) -> set[str]:
    name = found.name.lower()
    return {name, name.rsplit("/", 1)[-1], f"{found.source}:{name}"}


def _none(text: str, what: str, named: list[ModelEntry]) -> SyncseError:
    hint = "Give a path, or a name that `syncse models` lists."
    if not named:
        return SyncseError(
            f"The {what} is not there", f"{text} is no path and no model's name.", hint, ExitCode.PREFLIGHT
        )
    entry = named[0]
    why = entry.problem or f"it is of kind {entry.kind} and runs in {', '.join(entry.backends) or 'nothing here'}"
    detail = f"{entry.source}:{entry.name} cannot be used as {what}: {why}."
    return SyncseError(f"The {what} cannot be used", detail, hint, ExitCode.PREFLIGHT)
