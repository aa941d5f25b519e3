"""The memory that a model would need with everything that can run it, for lists and forms. Loads nothing."""

from pathlib import Path

from syncse_local.config import Settings
from syncse_local.machine_memory import Fit, FreeMemory
from syncse_local.modelfiles.entry import ModelEntry
from syncse_local.registry import BACKENDS, backend_spec
from syncse_local.training.memory import train_fit
from syncse_local.training.options import TrainOptions


def fits_of(entry: ModelEntry, settings: Settings, memory: FreeMemory) -> dict[str, list[Fit]]:
    """The fits of a model with everything that can run it, under the settings and a training run's defaults."""
    fits = dict[str, list[Fit]]()
    for spec in map(backend_spec, filter(BACKENDS.__contains__, entry.backends)):
        if spec.fit is not None:
            fits[spec.name] = spec.fit(entry, spec.read(spec.chosen(settings)), memory)
    if "train" in entry.backends:
        nowhere = Path()
        fits["train"] = train_fit(entry, TrainOptions(entry.path, nowhere, nowhere, device=settings.device), memory)
    return fits


def remarks_on(entry: ModelEntry, settings: Settings) -> list[str]:
    """What the engines that run a model have to say of it: what makes it slow there, and what would not."""
    specs = [backend_spec(name) for name in entry.backends if name in BACKENDS]
    said = (spec.remark(entry, spec.read(spec.chosen(settings))) for spec in specs)
    return [sentence for sentence in said if sentence]
