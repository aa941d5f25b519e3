"""One model that was found, as an entry; what is broken becomes an entry that says why. Never raises for a bad file."""

from dataclasses import replace

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.describe_directory import describe_directory
from syncse_local.modelfiles.describe_gguf import describe_gguf
from syncse_local.modelfiles.entry import Format, Found, ModelEntry
from syncse_local.modelfiles.reading import Unreadable
from syncse_local.registry import BACKENDS, backend_spec


def describe(found: Found) -> ModelEntry:
    """Read the headers of a model's files, and ask the engines which of them run such a model."""
    try:
        if found.path.is_dir():
            return _with_backends(describe_directory(found), "safetensors")
        return _with_backends(describe_gguf(found), "gguf")
    except SyncseError as error:
        problem = error.detail
    except Unreadable as error:
        problem = str(error)
    except Exception as error:  # strangers' files: whatever the readers did not foresee must not hide the other models
        problem = f"it cannot be read ({type(error).__name__})"
    return ModelEntry(found.name, found.source, "unknown", found.path, problem=problem)


def _with_backends(entry: ModelEntry, stored: Format) -> ModelEntry:
    runs: tuple[str, ...] = ()
    if entry.kind == "encoder":
        runs = ("train",)
    elif entry.kind == "llm":
        runs = tuple(name for name in BACKENDS if stored in backend_spec(name).formats)
    return replace(entry, backends=() if entry.problem else runs)
