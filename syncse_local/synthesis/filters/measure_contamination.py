"""Measures the highest cosine of each text of a run with any evaluation sentence, by a frozen encoder. For the filter stage only."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from syncse_local.encoders.device import pick_device
from syncse_local.encoders.transformer import Encoder
from syncse_local.jobs.job import Cancelled, Job
from syncse_local.specs.filter import FilterSpec
from syncse_local.store import measurements
from syncse_local.synthesis.contamination import digest_of, directories, evaluation_texts
from syncse_local.synthesis.filters.instruments import contamination_name, text_key, unasked_texts
from syncse_local.synthesis.filters.settings import Contamination
from syncse_local.synthesis.filters.verdict import Candidate
from syncse_local.text.clean import squash

Vectors = NDArray[np.float32]
BATCH = 512
"""Texts encoded between two writes: some seconds of work are lost by a kill."""
BLOCK = 32_768
"""Texts and evaluation sentences compared at once: 64 MiB of cosines."""


def measure(job: Job, settings: Contamination, rows: Sequence[Candidate]) -> int:
    """Store each text's highest cosine; returns how many texts. Raises Cancelled with what is measured stored."""
    spec = FilterSpec.of(job.run.options)
    sets = _distinct(spec)
    name = contamination_name(job.connection, settings, digest_of(sets))
    texts = list(unasked_texts(job.connection, name, rows))
    if not texts:
        return 0
    job.reporter.event("loading", encoder=settings.encoder, evaluation_sentences=len(sets))
    model = Encoder.load(Path(settings.encoder), device=pick_device(spec.device))
    job.reporter.progress(0, len(texts), phase="encoding the evaluation sets")
    known = _unit(model.encode(list(sets.values()), stop=lambda _: job.reporter.cancelled()))
    for start in range(0, len(texts), BATCH):
        if job.reporter.cancelled():
            raise Cancelled
        batch = texts[start : start + BATCH]
        found = highest(_unit(model.encode(batch)), known)
        values = [(text_key(text), float(value)) for text, value in zip(batch, found, strict=True)]
        measurements.store(job.connection, name, values)
        job.reporter.progress(start + len(batch), len(texts), phase="comparing with the evaluation sets")
    return len(texts)


def highest(vectors: Vectors, known: Vectors) -> Vectors:
    """(n,) the highest cosine of each of (n, d) unit vectors with any of (m, d); -1 where m is 0."""
    found = np.full(len(vectors), -1.0, np.float32)
    for start in range(0, len(known), BLOCK):
        np.maximum(found, (vectors @ known[start : start + BLOCK].T).max(axis=1), out=found)
    return found


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


def _distinct(spec: FilterSpec) -> dict[str, str]:
    """The evaluation sentences by their squashed form, each once."""
    found: dict[str, str] = {}
    for _, sentences in evaluation_texts({}, *directories(spec)):
        for text in sentences:
            if key := squash(text):
                found.setdefault(key, text)
    return found
