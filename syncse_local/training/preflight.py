"""Refuses a training run that will not fit, before anything is loaded."""

from syncse_local.backends.preflight import refuse_unless
from syncse_local.machine_memory import Fit, FreeMemory
from syncse_local.modelfiles.describe import describe
from syncse_local.modelfiles.entry import Found
from syncse_local.training.memory import train_fit
from syncse_local.training.options import TrainOptions

SMALLER = "Take a smaller --batch-size, --chunk-tokens or encoder, or --precision bf16"


def check_train(options: TrainOptions, memory: FreeMemory) -> list[Fit]:
    """The fit of a training run. Raises SyncseError (PREFLIGHT) where it does not hold."""
    entry = describe(Found(options.encoder.name, "path", options.encoder))
    return refuse_unless(train_fit(entry, options, memory), entry, SMALLER) if entry.parameters else []
