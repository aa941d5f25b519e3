"""The train stage: collect the triplets, train the encoder, keep its provenance. Knows the store and the trainer."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from syncse_local.catalog.fit import Room
from syncse_local.catalog.preflight import check_train
from syncse_local.jobs.job import Cancelled, Job
from syncse_local.store import runs
from syncse_local.training.loop import train
from syncse_local.training.options import TrainOptions
from syncse_local.training.selection import read_dev_sets
from syncse_local.training.sources import Sources


def run(job: Job) -> dict[str, Any]:
    """Do a train run; returns the trainer's figures and where the encoder lies."""
    options = job.run.options
    settings = TrainOptions(
        encoder=Path(options["encoder"]),
        output=Path(options["output"]),
        checkpoint=job.directory / "checkpoint",
        **options.get("training", {}),
    )
    if not options.get("force"):
        job.reporter.event("memory", text="; ".join(map(str, check_train(settings, Room.now()))))
    dev = read_dev_sets(options.get("dev") or [], Path(options["senteval"]) if options.get("senteval") else None)
    sources = Sources(job)
    triplets = sources.triplets()
    pairs = {name: len(found) for name, found in dev.items()}
    job.reporter.event(
        "training", triplets=len(triplets), dev_pairs=sum(pairs.values()), dev=pairs, output=str(settings.output)
    )
    result = train(settings, triplets, dev, job.reporter)
    if result.cancelled:
        raise Cancelled
    found = {**asdict(result), "output": str(settings.output), "triplets": len(triplets), **sources.about()}
    _write_provenance(job, settings.output, found)
    return found


def _write_provenance(job: Job, output: Path, result: dict[str, Any]) -> None:
    """Beside the encoder: the run, its options and figures, and the generate runs its data came from."""
    sources = {}
    for name in job.run.options.get("runs") or []:
        source = runs.get(job.connection, name)
        sources[source.id] = {"options": source.options, "result": source.result}
    record = {"run": job.run.id, "options": job.run.options, "result": result, "data": sources}
    (output / "syncse.json").write_text(json.dumps(record, indent=1, ensure_ascii=False, default=str), encoding="utf-8")
