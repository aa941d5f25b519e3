"""A training made ready: encoder and data found, dev sets by name, memory checked. Loads no torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from syncse_local.config import Settings
from syncse_local.evaluation.tasks import resolve
from syncse_local.paths import starter_encoder
from syncse_local.prepare.engine import settled
from syncse_local.prepare.names import evaluation_sets, existing, free_memory, named_model
from syncse_local.specs.train import SELECTIONS, TrainSpec, nothing_to_train_on
from syncse_local.text.ingest import open_input
from syncse_local.training.options import TrainOptions, check_lora_installed
from syncse_local.training.preflight import check_train


def check_source(spec: TrainSpec) -> None:
    """Raise SyncseError (USAGE) unless the spec names one thing to train on."""
    if bool(spec.runs) == bool(spec.data):
        raise nothing_to_train_on()


def train(spec: TrainSpec, chosen: Settings, output: str, run_id: Callable[[str], str]) -> TrainSpec:
    """The spec of a run that can be started, its encoder to be written to `output`; `run_id` is a run's whole id.

    Raises SyncseError: USAGE for what cannot be trained so, PREFLIGHT for what is not there or does not fit.
    """
    check_source(spec)
    chosen = settled(spec, chosen)
    names = spec.dev if spec.dev is not None else SELECTIONS[spec.select]
    ready: dict[str, Any] = {
        "encoder": named_model(chosen.encoder or str(starter_encoder()), chosen, "encoder", "train"),
        "output": str(Path(output).resolve()),
        "device": chosen.device,
        "unsupervised": spec.unsupervised,
        "dev": tuple(task.name for task in resolve(list(names))),
        "limit": spec.limit,
        "senteval": "",
        **evaluation_sets(chosen.senteval, chosen.reranking),
    }
    ready |= {"precision": chosen.precision} if chosen.precision != "auto" else {}
    if spec.runs:
        ready["runs"] = tuple(map(run_id, spec.runs))
        spec = spec.without("column", "encoding", "positive", "negative", "separator", "quoting", "header")
    else:
        ready |= {"data": existing(spec.data, "data"), "column": spec.column, "encoding": spec.encoding}
        spec = spec.without("unfiltered")
        open_input(ready["data"], **spec.reading(), complete=not spec.unsupervised)
    spec = spec.without("select", *(() if chosen.precision != "auto" else ("precision",))).but(**ready)
    fits(spec)
    return spec


def fits(spec: TrainSpec) -> None:
    """Raise SyncseError (PREFLIGHT) where a library is missing or the memory will not do; `force` leaves it unchecked."""
    if spec.lora_rank:
        check_lora_installed()
    checked = TrainOptions.of_spec(spec, Path(spec.output))
    if not spec.force:
        check_train(checked, free_memory())
