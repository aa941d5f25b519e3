"""Where models may lie on this machine: the project, the workspace, configured directories, and other tools' caches.

Caches are read in place; nothing is copied, written or fetched.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from syncse_local import paths
from syncse_local.catalog.huggingface import models_in_hub
from syncse_local.catalog.ollama import models_in_ollama
from syncse_local.catalog.walk import models_below
from syncse_local.config import Settings
from syncse_local.modelfiles.entry import Found


def found_models(settings: Settings, workspace: Path) -> list[Found]:
    """Every model once, by its first place, in the order in which the places are named. Opens no model."""
    seen: set[str] = set()
    kept = []
    for found in _everything(settings, workspace):
        real = os.path.realpath(found.path)
        if real not in seen:
            seen.add(real)
            kept.append(found)
    return kept


def _everything(settings: Settings, workspace: Path) -> Iterator[Found]:
    yield from models_below(paths.bundled(), "bundled")
    yield from models_below(workspace / "models", "workspace")
    for folder in filter(None, settings.model_dirs.split(os.pathsep)):
        yield from models_below(Path(folder).expanduser().absolute(), "model_dirs")
    yield from models_in_hub(hub_cache(), "huggingface")
    for folder in (".lmstudio", ".cache/lm-studio"):
        yield from models_below(paths.home() / folder / "models", "lmstudio")
    for root in ollama_stores():
        yield from models_in_ollama(root, "ollama")
    yield from models_below(llama_cache(), "llama.cpp")


def hub_cache() -> Path:
    """The Hugging Face hub's cache, where huggingface_hub itself would look."""
    if given := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(given).expanduser()
    home = os.environ.get("HF_HOME")
    return (Path(home).expanduser() if home else _cache_home() / "huggingface") / "hub"


def ollama_stores() -> list[Path]:
    """Ollama's model stores: the one it was told to use, or the user's and the service's."""
    if given := os.environ.get("OLLAMA_MODELS"):
        return [Path(given).expanduser()]
    return [paths.home() / ".ollama" / "models", Path("/usr/share/ollama/.ollama/models")]


def llama_cache() -> Path:
    """Where llama.cpp's own tools keep what they fetched."""
    given = os.environ.get("LLAMA_CACHE")
    return Path(given).expanduser() if given else _cache_home() / "llama.cpp"


def _cache_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or paths.home() / ".cache")
