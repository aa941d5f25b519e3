"""Refuses a run whose model will not fit, before anything is loaded, with the sum in the error.

Asked twice: by the front end when a run is made, and by the worker when its turn has come.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncse_local.backends.base import LlamaOptions, VllmOptions
from syncse_local.backends.llamacpp.fit import llamacpp_fit
from syncse_local.backends.options import read_options
from syncse_local.backends.vllm.fit import vllm_fit
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.machine_memory import Fit, Room
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found, ModelEntry

SMALLER: dict[str, str] = {
    "llamacpp": "Take a smaller context (--n-ctx), a smaller quantisation or another number of --n-gpu-layers",
    "vllm": "Take a shorter maximum length, a quantised model or more GPUs",
}


def check_generate(backend: str, model: Path, options: Mapping[str, Any], room: Room) -> list[Fit]:
    """The fits of a local language model. Raises SyncseError: PREFLIGHT where one does not hold, USAGE for bad options.

    Engines that hold no model here, and models that cannot be read, are left to the engine.
    """
    if backend not in ("llamacpp", "vllm"):
        return []
    entry = describe(Found(model.name, "path", model))
    if backend == "llamacpp":
        fits = llamacpp_fit(entry, read_options(LlamaOptions, backend, options), room)
    else:
        fits = vllm_fit(entry, read_options(VllmOptions, backend, options), room)
    return refuse_unless(fits, entry, SMALLER[backend]) if entry.parameters else []


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
