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


def places(settings: Settings, workspace: Path) -> Iterator[tuple[str, Path]]:
    """Where models are looked for, in this order: a source's name and its directory, which need not be there."""
    yield "bundled", paths.bundled()
    yield "workspace", workspace / "models"
    for folder in filter(None, settings.model_dirs.split(os.pathsep)):
        yield "model_dirs", Path(folder).expanduser().absolute()
    yield "huggingface", hub_cache()
    for folder in (".lmstudio", ".cache/lm-studio"):
        yield "lmstudio", paths.home() / folder / "models"
    for root in ollama_stores():
        yield "ollama", root
    yield "llama.cpp", llama_cache()


def _everything(settings: Settings, workspace: Path) -> Iterator[Found]:
    own_layout = {"huggingface": models_in_hub, "ollama": models_in_ollama}
    for source, directory in places(settings, workspace):
        yield from own_layout.get(source, models_below)(directory, source)


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
