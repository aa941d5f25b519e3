"""The memory that a model would need with everything that can run it, for lists and forms. Loads nothing."""

from pathlib import Path

from syncse_local.backends.base import LlamaOptions, VllmOptions
from syncse_local.backends.llamacpp.fit import llamacpp_fit
from syncse_local.backends.vllm.fit import vllm_fit
from syncse_local.config import Settings
from syncse_local.machine_memory import Fit, Room
from syncse_local.modelfiles.entry import ModelEntry
from syncse_local.training.memory import train_fit
from syncse_local.training.options import TrainOptions


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
