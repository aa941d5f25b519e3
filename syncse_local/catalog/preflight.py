"""Refuses a run whose model will not fit, before anything is loaded, with the sum in the error.

Asked twice: by the front end when a run is made, and by the worker when its turn has come.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from syncse_local.backends.base import LlamaOptions, VllmOptions
from syncse_local.backends.options import read_options
from syncse_local.catalog.describe import describe
from syncse_local.catalog.entry import Found, ModelEntry
from syncse_local.catalog.fit import Fit, Room, llamacpp_fit, train_fit, vllm_fit
from syncse_local.config import Settings
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.training.options import TrainOptions

SMALLER: dict[str, str] = {
    "llamacpp": "Take a smaller context (--n-ctx), a smaller quantisation or another number of --n-gpu-layers",
    "vllm": "Take a shorter maximum length, a quantised model or more GPUs",
    "train": "Take a smaller --batch-size, --chunk-tokens or encoder, or --precision bf16",
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
    return _refuse_unless(fits, entry, backend) if entry.parameters else []


def check_train(options: TrainOptions, room: Room) -> list[Fit]:
    """The fit of a training run. Raises SyncseError (PREFLIGHT) where it does not hold."""
    entry = describe(Found(options.encoder.name, "path", options.encoder))
    return _refuse_unless(train_fit(entry, options, room), entry, "train") if entry.parameters else []


def fits_of(entry: ModelEntry, settings: Settings, room: Room) -> dict[str, list[Fit]]:
    """The fits of a model with everything that can run it, under the settings and a training run's defaults."""
    fits = dict[str, list[Fit]]()
    if "llamacpp" in entry.backends:
        engine = LlamaOptions(n_gpu_layers=settings.n_gpu_layers, n_ctx=settings.n_ctx)
        fits["llamacpp"] = llamacpp_fit(entry, engine, room)
    if "vllm" in entry.backends:
        fits["vllm"] = vllm_fit(entry, VllmOptions(max_model_len=settings.n_ctx), room)
    if "train" in entry.backends:
        nowhere = Path()
        fits["train"] = train_fit(entry, TrainOptions(entry.path, nowhere, nowhere, device=settings.device), room)
    return fits


def _refuse_unless(fits: list[Fit], entry: ModelEntry, kind: str) -> list[Fit]:
    for fit in fits:
        if not fit.fits:
            raise SyncseError(
                "It will not fit into the memory",
                f"{entry.path.name}: {fit}.",
                f"{SMALLER[kind]}; --force goes on anyway.",
                ExitCode.PREFLIGHT,
            )
    return fits
