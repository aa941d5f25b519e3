"""Refuses a run whose model will not fit, before anything is loaded, with the sum in the error.

Asked twice: by the front end when a run is made, and by the worker when its turn has come. Knows no engine.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine_memory import Fit, FreeMemory
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found, ModelEntry
from syncse_local.registry import backend_spec


def check_generate(backend: str, model: Path, options: Mapping[str, Any], memory: FreeMemory) -> list[Fit]:
    """The fits of a local language model.

    Engines that hold no model here, and models that cannot be read, are left to the engine. Raises SyncseError:
    PREFLIGHT where a fit does not hold, USAGE for bad options or an unknown backend.
    """
    spec = backend_spec(backend)
    if spec.fit is None:
        return []
    entry = describe(Found(model.name, "path", model))
    fits = spec.fit(entry, spec.read(options), memory)
    return refuse_unless(fits, entry, spec.smaller) if entry.parameters else []


def refuse_unless(fits: list[Fit], entry: ModelEntry, smaller: str) -> list[Fit]:
    """The fits, where each holds. Raises SyncseError (PREFLIGHT), with what to make `smaller`, where one does not."""
    for fit in fits:
        if not fit.fits:
            raise SyncseError(
                "It will not fit into the memory",
                f"{entry.path.name}: {fit}.",
                f"{smaller}; --force goes on anyway.",
                ExitCode.PREFLIGHT,
            )
    return fits
