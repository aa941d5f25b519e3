"""The report stage: survey each run, then measure the diversity of equally large samples of its texts.

Texts are measured by their words; where an encoder is named, by its vectors too. Nothing is generated and nothing changed.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syncse_local.encoders.base import SentenceEncoder
from syncse_local.encoders.open import open_encoder
from syncse_local.encoders.options import EncoderOptions
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs.job import Cancelled, Job
from syncse_local.jobs.supervise import database
from syncse_local.specs.generate import GenerateSpec
from syncse_local.specs.report import ENOUGH, ReportSpec
from syncse_local.store import runs
from syncse_local.store.database import connect
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.report.faithfulness import faithfulness
from syncse_local.synthesis.report.groups import FIELDS, KINDS, Group, Name
from syncse_local.synthesis.report.lexical import compression_ratio, distinct, self_bleu
from syncse_local.synthesis.report.survey import Survey, survey
from syncse_local.synthesis.report.tables import doubt
from syncse_local.synthesis.report.vectors import mean_cosine, vendi_score
from syncse_local.text.words import tokens

BATCH = 1_024
"""Texts encoded between two looks at the cancel flag."""

Vectors = Mapping[str, NDArray[np.float32]]


def run(job: Job) -> dict[str, Any]:
    """Report on the runs of the options. Raises SyncseError (NOTHING) for a run without a triplet, and Cancelled."""
    spec = ReportSpec.of(job.run.options)
    gate = Gate.of(spec)
    surveys = {run_id: _survey(job, spec, gate, run_id) for run_id in spec.runs}
    sizes = _sizes(surveys.values(), spec.sample)
    encoder = _opened(job, spec)
    try:
        found = [_report(job, run_id, made, sizes, encoder) for run_id, made in surveys.items()]
    finally:
        if encoder:
            encoder.close()
    return {
        "runs": found,
        "sampled": sizes,
        "seed": spec.seed,
        "filtered": spec.filtered,
        "encoder": spec.encoder,
        "evaluation_sets": gate.checked,
        "unread_sets": gate.unread,
    }


def _survey(job: Job, spec: ReportSpec, gate: Gate, run_id: str) -> Survey:
    def tell(done: int) -> None:
        job.reporter.progress(done, 0, phase="reading", task=run_id)
        _pause(job)

    # Progress is written while the triplets stream: a connection cannot write beside its own read once others have written.
    reader = connect(database(job.workspace))
    try:
        made = survey(reader, run_id, gate, spec.filtered, spec.sample, spec.seed, tell)
    finally:
        reader.close()
    if not made.tally.triplets:
        hint = f"See what became of its answers: `syncse show {run_id}`."
        raise SyncseError("Nothing to report", f"Run {run_id} has no triplet to look at.", hint, ExitCode.NOTHING)
    return made


def _sizes(surveys: Any, most: int) -> dict[str, int]:
    """For each kind, how many texts of every group are measured: as many as the smallest that has ENOUGH can give.

    The figures depend on how many texts they see, so all groups of a kind, of all the runs, are measured on the same number.
    """
    sizes = {}
    for kind in KINDS:
        seen = [group.sample.seen for made in surveys for name, group in made.groups.items() if name.kind == kind]
        if full := [count for count in seen if count >= ENOUGH]:
            sizes[kind] = min(most, *full)
    return sizes


def _opened(job: Job, spec: ReportSpec) -> SentenceEncoder | None:
    if not spec.encoder:
        return None
    job.reporter.event("loading", encoder=spec.encoder)
    return open_encoder(Path(spec.encoder), EncoderOptions(device=spec.device))


def _report(
    job: Job, run_id: str, made: Survey, sizes: Mapping[str, int], encoder: SentenceEncoder | None
) -> dict[str, Any]:
    made_by = runs.get(job.connection, run_id)
    samples = {name: _sampled(name, group, sizes) for name, group in made.groups.items()}
    vectors = _encoded(job, run_id, encoder, samples.values()) if encoder else {}
    groups: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for done, (name, texts) in enumerate(samples.items()):
        groups[name.kind].append(_group(name, made, texts, vectors))
        job.reporter.progress(done, len(samples), phase="measuring", task=run_id)
        _pause(job)
    told = GenerateSpec.of(made_by.options)
    named = {
        "run": run_id,
        "name": made_by.name,
        "recipe": (told.recipe_data or {})["name"],
        "recipe_hash": told.recipe_hash,
    }
    triplets = [samples[Name("field", role, role)] for role in FIELDS]  # by rank, so that they stand side by side
    near = faithfulness((triplets[0], triplets[1], triplets[2]), vectors)
    if near and near["doubtful"]:
        job.reporter.event("warning", text=doubt(run_id, near))
    return {**named, "model": told.model, **made.head(), "faithfulness": near, "groups": groups}


def _sampled(name: Name, group: Group, sizes: Mapping[str, int]) -> list[str]:
    size = sizes.get(name.kind, 0)
    return group.sample.texts(size) if group.sample.seen >= max(size, ENOUGH) else []


def _group(name: Name, made: Survey, texts: Sequence[str], vectors: Vectors) -> dict[str, Any]:
    group = made.groups[name]
    spent = group.spent
    counted = {} if name.kind == "field" else {
        "planned": spent.planned, "answered": spent.answered, "accepted": spent.accepted, "acceptance": spent.acceptance,
        "failures": spent.failures, **made.costs(spent, group.tally.triplets),
    }  # fmt: skip
    tally = group.tally.to_dict()
    words = tally.pop("words").get(name.role)
    return {"role": name.role, "name": name.name, **counted, **tally, "words": words, **measures(texts, vectors)}


def measures(texts: Sequence[str], vectors: Vectors) -> dict[str, Any]:
    """The diversity of texts; None for what cannot be told. `vectors` by text, empty without an encoder."""
    split = [tokens(text) for text in texts]
    found: dict[str, float | None] = {
        "distinct_1": distinct(split, 1),
        "distinct_2": distinct(split, 2),
        "compression_ratio": compression_ratio(texts),
        "self_bleu": self_bleu(split),
    }
    if vectors and texts:
        rows = np.stack([vectors[text] for text in texts])
        found |= {"vendi": vendi_score(rows), "mean_cosine": mean_cosine(rows)}
    rounded = {name: None if value is None else round(value, 5) for name, value in found.items()}
    return {"sampled": len(texts), "vendi": None, "mean_cosine": None, **rounded}


def _encoded(job: Job, run_id: str, encoder: SentenceEncoder, samples: Any) -> dict[str, NDArray[np.float32]]:
    """Vectors of all sampled texts of a run, each encoded once."""
    texts = sorted({text for sample in samples for text in sample})
    found: dict[str, NDArray[np.float32]] = {}
    for batch in _batches(texts):
        found.update(zip(batch, encoder.encode(batch, lambda _: job.reporter.cancelled()), strict=True))
        job.reporter.progress(len(found), len(texts), phase="encoding", task=run_id)
    return found


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    return (list(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH))


def _pause(job: Job) -> None:
    if job.reporter.cancelled():
        raise Cancelled
