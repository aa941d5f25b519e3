"""Paths by their names alone, for what travels with an encoder: where things lay tells of a person and a machine."""

from pathlib import Path
from typing import Any

_CACHED = "models--"
"""How a hub's cache begins the name of a model's directory, whose own files lie under a hash."""


def without_places(value: Any) -> Any:
    """The same with every absolute path replaced by its last name, in a hub's cache by the model's."""
    if isinstance(value, dict):
        return {name: without_places(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_places(each) for each in value]
    if not isinstance(value, (str, Path)) or "\n" in str(value) or not (path := Path(value)).is_absolute():
        return value
    cached = next((part for part in path.parts if part.startswith(_CACHED)), "")
    return cached.removeprefix(_CACHED).replace("--", "/") or path.name
