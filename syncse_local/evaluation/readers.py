"""Find and read the named tasks, each with the reader its entry names. Light: a family is loaded when it is read."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import Missing, TaskData
from syncse_local.evaluation.official import check
from syncse_local.evaluation.tasks import Task, resolve
from syncse_local.paths import starter_sts

Reader = Callable[[Task, Path], "TaskData | Missing"]

_CALLED = {"senteval": "SentEval", "reranking": "reranking", "own": "own"}


def read_tasks(
    names: Iterable[str],
    senteval: Path | None,
    starter: Path | None = None,
    reranking: Path | None = None,
    own: Path | None = None,
) -> tuple[list[TaskData], list[Missing]]:
    """Read the named tasks; those without files come back as `Missing`, in the order asked.

    `senteval` is SentEval's root, its `data` directory or its `downstream` directory; `reranking` holds the reranking
    sets, `own` one's own files;
    `starter` is the starter set's pairs.tsv (default: the bundled one). Raises SyncseError for an unknown task, a
    directory that is none, or a faulty file.
    """
    roots = {
        "senteval": find_downstream(senteval) if senteval else None,
        "reranking": _directory(reranking, "reranking", "the one that holds the sets") if reranking else None,
    }
    roots["own"] = _directory(own, "own", "the one that holds your files") if own else None
    starter = starter or starter_sts()
    found: list[TaskData] = []
    missing: list[Missing] = []
    for task in resolve(names):
        read = _read(task, roots.get(task.source), starter)
        if isinstance(read, Missing):
            missing.append(read)
        else:
            found.append(read)
    return found, missing


def _read(task: Task, root: Path | None, starter: Path) -> TaskData | Missing:
    if task.source == "starter":
        return read_task(task, starter if task.name == "starter" else starter.with_name(Path(task.path).name))
    if root is None:
        return Missing(task.name, f"{task.path} (no {_CALLED[task.source]} directory was given)")
    first = read_task(task, root / task.path)
    for place in task.elsewhere if isinstance(first, Missing) else ():
        data = read_task(replace(task, reader=place.reader), root / place.path)
        if isinstance(data, TaskData):
            data.notes.append(f"read from {root / place.path}: {place.note}")
            return data
    return first


def find_downstream(directory: Path) -> Path:
    """SentEval's `downstream` directory, given itself or one of the directories above it."""
    _directory(directory, "SentEval", "SentEval's root or its downstream directory (the one that holds STS and SICK)")
    for candidate in (directory / "downstream", directory / "data" / "downstream"):
        if candidate.is_dir():
            return candidate
    return directory


def _directory(path: Path, what: str, give: str) -> Path:
    if path.is_dir():
        return path
    detail = f"{path} is not a directory."
    raise SyncseError(f"No {what} directory", detail, f"Give {give}.", code=ExitCode.USAGE)


def read_task(task: Task, path: Path) -> TaskData | Missing:
    """Read one task with the reader its entry names, and note where it differs from the published set."""
    module, _, function = task.reader.partition(":")
    reader: Reader = getattr(import_module(module), function)
    data = reader(task, path)
    if isinstance(data, TaskData):
        check(task, data)
    return data
