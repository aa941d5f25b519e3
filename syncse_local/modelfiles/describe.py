"""One model that was found, as an entry; what is broken becomes an entry that says why. Never raises for a bad file."""

from syncse_local.errors import SyncseError
from syncse_local.modelfiles.describe_directory import describe_directory
from syncse_local.modelfiles.describe_gguf import describe_gguf
from syncse_local.modelfiles.entry import Found, ModelEntry
from syncse_local.modelfiles.reading import Unreadable


def describe(found: Found) -> ModelEntry:
    """Read the headers of a model's files."""
    try:
        return describe_directory(found) if found.path.is_dir() else describe_gguf(found)
    except SyncseError as error:
        problem = error.detail
    except Unreadable as error:
        problem = str(error)
    except Exception as error:  # strangers' files: whatever the readers did not foresee must not hide the other models
        problem = f"it cannot be read ({type(error).__name__})"
    return ModelEntry(found.name, found.source, "unknown", found.path, problem=problem)
