"""Names and paths that a person gave, as absolute paths; and the memory that a run made now can count on."""

from pathlib import Path

from syncse_local import machine
from syncse_local.catalog.resolve import find_one, resolve
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs import gpu_queue
from syncse_local.machine_memory import FreeMemory
from syncse_local.modelfiles.entry import ModelEntry


def existing(path: str, what: str) -> str:
    """The absolute path of a file or directory that must be there. Raises SyncseError (PREFLIGHT)."""
    found = Path(path).expanduser()
    if not found.exists():
        raise SyncseError(f"The {what} is not there", f"{found} does not exist.", "Check the path.", ExitCode.PREFLIGHT)
    return str(found.resolve())


def evaluation_sets(senteval: str, reranking: str) -> dict[str, str]:
    """The directories of evaluation sets that are named, as absolute paths. Raises SyncseError (PREFLIGHT)."""
    named = (("senteval", senteval, "SentEval directory"), ("reranking", reranking, "reranking directory"))
    return {name: existing(path, what) for name, path, what in named if path}


def named_model(text: str, chosen: Settings, what: str, usable_by: str) -> str:
    """The absolute path of a model given by path, or by its name in the catalog."""
    return str(resolve(text, chosen, Path(chosen.workspace).resolve(), what, usable_by))


def named_encoder(text: str, chosen: Settings) -> str:
    """The absolute path of an encoder given by path, or by the name of anything in the catalog that embeds."""
    if (path := Path(text).expanduser()).exists():
        return str(path.absolute())

    def embeds(entry: ModelEntry) -> bool:
        return "train" in entry.backends or (entry.kind == "embedding" and not entry.problem)

    return str(find_one(text, chosen, Path(chosen.workspace).resolve(), "encoder", embeds).path)


def free_memory() -> FreeMemory:
    """What is free; of a GPU that another run holds all, because it will have been handed on by then."""
    return FreeMemory.now(gpus_change_hands=any(gpu_queue.holder(gpu.index) is not None for gpu in machine.gpus()))
