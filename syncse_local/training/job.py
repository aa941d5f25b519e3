"""The train stage: collect the triplets, train the encoder, keep its provenance. Knows the store and the trainer."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from syncse_local import machine
from syncse_local.encoders.device import pick_device, pick_precision
from syncse_local.jobs.job import Cancelled, Job
from syncse_local.machine_memory import FreeMemory
from syncse_local.specs.train import TrainSpec
from syncse_local.text.clean import storable
from syncse_local.training import hardware, provenance
from syncse_local.training.card import render
from syncse_local.training.energy import Meter
from syncse_local.training.follower import join_as_first
from syncse_local.training.loop import TrainResult, train
from syncse_local.training.options import TrainOptions
from syncse_local.training.places import without_places
from syncse_local.training.preflight import check_train
from syncse_local.training.selection import read_dev_sets
from syncse_local.training.sources import Sources


def run(job: Job) -> dict[str, Any]:
    """Do a train run; returns the trainer's figures and where the encoder lies."""
    spec = TrainSpec.of(job.run.options)
    settings = TrainOptions.of_spec(spec, job.directory / "checkpoint", pick_precision(pick_device(spec.device)))
    if not spec.force:
        job.reporter.event("memory", text="; ".join(map(str, check_train(settings, FreeMemory.now()))))
    dev = read_dev_sets(spec.dev or (), Path(spec.senteval) if spec.senteval else None)
    sources = Sources(job, spec)
    count = sources.count()
    pairs = {name: len(found) for name, found in dev.items()}
    dev_pairs = sum(pairs.values())
    told = {"left_out": sources.left_out, "rows_left_out": sources.rows_left_out}
    job.reporter.event("training", triplets=count, dev_pairs=dev_pairs, dev=pairs, output=str(settings.output), **told)
    _note(job, settings, sources, pairs)
    meter = Meter(_gpus(settings.device)).start()

    def found(result: TrainResult) -> dict[str, Any]:
        wall = time.time() - (job.run.started or job.run.created)
        about = {"output": str(settings.output), "triplets": count, "wall_seconds": wall, **sources.about()}
        return {**asdict(result), **about}

    def card(result: TrainResult) -> str:
        job.reporter.event("energy", joules=meter.stop())
        return render(provenance.record_of(job.connection, job.run, found(result)))

    try:
        ranks = join_as_first(settings)
        result = train(settings, sources, dev, job.reporter, card, ranks)
    except BaseException:
        meter.stop()
        raise
    if result.cancelled:
        job.reporter.event("energy", joules=meter.stop())
        raise Cancelled
    ended = found(result)
    _write_record(settings.output, provenance.record_of(job.connection, job.run, ended))
    return ended


def _note(job: Job, settings: TrainOptions, sources: Sources, pairs: dict[str, int]) -> None:
    """Write down what this start trains on and with, for the card."""
    about = hardware.describe(pick_device(settings.device))
    recipe = settings.recipe()
    job.reporter.event(
        "provenance",
        encoder=provenance.encoder_of(job.connection, settings.encoder),
        data=sources.records(),
        training=recipe,
        dev=pairs,
        hardware=about,
        trained=time.time(),
    )


def _gpus(device: str) -> list[int]:
    return [gpu.index for gpu in machine.gpus()] if pick_device(device) == "cuda" else []


def _write_record(output: Path, record: dict[str, Any]) -> None:
    """Beside the encoder: what the card says, for programs."""
    text = storable(json.dumps(without_places(record), indent=1, ensure_ascii=False, default=str))
    (output / "syncse.json").write_text(text, encoding="utf-8")
