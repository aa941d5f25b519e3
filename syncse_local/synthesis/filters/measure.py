"""The filter stage: an encoder's cosines and a judge's scores for a run's triplets, stored as they come.

What is stored is not measured again, so a stage that was stopped goes on. The verdicts are given afterwards, by `apply`.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from syncse_local.encoders.device import pick_device
from syncse_local.encoders.transformer import Encoder
from syncse_local.jobs.job import Cancelled, Job
from syncse_local.specs.filter import FilterSpec
from syncse_local.store import measurements
from syncse_local.synthesis.filters import measure_contamination
from syncse_local.synthesis.filters.apply import candidates
from syncse_local.synthesis.filters.instruments import cosine_name, unasked
from syncse_local.synthesis.filters.judging import ask
from syncse_local.synthesis.filters.settings import FilterSettings

BATCH = 2_048
"""Pairs encoded between two writes: some seconds of work are lost by a kill."""


def run(job: Job) -> dict[str, Any]:
    """Measure what the settings' filters need. Raises SyncseError, or Cancelled with what is measured stored."""
    spec = FilterSpec.of(job.run.options)
    settings = FilterSettings.from_dict(spec.filters or {}, "filters")
    rows = candidates(job.connection, [spec.run])
    result: dict[str, Any] = {"of": spec.run, "triplets": len(rows)}
    if settings.cosine.encoder:
        name = cosine_name(job.connection, settings.cosine)
        pairs = list(unasked(job.connection, name, rows))
        result["cosines"] = len(pairs)
        if pairs:
            _encode(job, spec, settings.cosine.encoder, name, pairs)
    if settings.contamination.encoder:
        result["nearest"] = measure_contamination.measure(job, settings.contamination, rows)
    if settings.judge.model:
        result["judged"] = ask(job, settings.judge, rows)
    return result


def _encode(job: Job, spec: FilterSpec, encoder: str, name: str, pairs: list[tuple[str, str]]) -> None:
    job.reporter.event("loading", encoder=encoder)
    model = Encoder.load(Path(encoder), device=pick_device(spec.device))
    done = 0
    for batch in _batches(pairs):
        texts = {text: place for place, text in enumerate(dict.fromkeys(text for pair in batch for text in pair))}
        vectors = model.encode(list(texts))
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        cosines = ((measurements.pair_key(a, b), float(vectors[texts[a]] @ vectors[texts[b]])) for a, b in batch)
        measurements.store(job.connection, name, list(cosines))
        done += len(batch)
        job.reporter.progress(done, len(pairs), phase="encoding")
        if done < len(pairs) and job.reporter.cancelled():
            raise Cancelled


def _batches(pairs: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    pending = iter(pairs)
    while batch := list(islice(pending, BATCH)):
        yield batch
