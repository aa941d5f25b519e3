"""Asks a judge about every pair, as requests of the role `judge` in the ledger, and stores the scores it gives.

Knows the store and the backend protocol. A request that has an answer is not asked again, whichever run planned it;
one that met a fault has no score, and is asked again.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from syncse_local.jobs.job import Cancelled, Incomplete, Job
from syncse_local.modelfiles.hashing import model_sha256
from syncse_local.records import Completion, Context, Row
from syncse_local.registry import load_backend
from syncse_local.specs.filter import FilterSpec
from syncse_local.store import ledger, measurements
from syncse_local.synthesis.filters.instruments import judge_name, unasked
from syncse_local.synthesis.filters.judge import CONTEXT, PREFIX, PROMPT, SAMPLING, VERSION, parse_score, turn
from syncse_local.synthesis.filters.settings import Judge
from syncse_local.synthesis.filters.verdict import Candidate
from syncse_local.synthesis.intake import Intake
from syncse_local.text.clean import sentence_key
from syncse_local.text.toml import content_hash

SEED = 1
"""Greedy decoding draws nothing, but a request has a seed, which is part of its key."""


def ask(job: Job, settings: Judge, rows: Sequence[Candidate]) -> int:
    """Have the judge score what it has not scored yet; returns how many pairs.

    Raises Cancelled, and Incomplete where pairs have no answer; the answers that came are stored.
    """
    name = judge_name(job.connection, settings)
    pairs = list(unasked(job.connection, name, rows))
    if not pairs:
        return 0
    model = Path(settings.model)
    sha256 = model_sha256(job.connection, model) if model.exists() else ""
    job.reporter.event("loading", backend=settings.backend, model=settings.model)
    backend = load_backend(settings.backend)(
        model, sha256=sha256, **(FilterSpec.of(job.run.options).backend_options or {})
    )
    try:
        engine = [backend.info.sha256, backend.name, backend.version]
        keyed = {_key(engine, *pair): pair for pair in pairs}
        planned = ledger.counts(job.connection, job.run.id)["planned"]  # before this stage was stopped
        ledger.add_plan(job.connection, job.run.id, _plan(keyed, planned))
        missing = _answer(job, backend)
    finally:
        backend.close()
    _take(job, name, keyed)
    if job.reporter.cancelled():
        raise Cancelled
    if missing:
        raise missing
    return len(pairs)


def _key(engine: Iterable[str], sentence: str, output: str) -> str:
    return content_hash(["judge", PROMPT, SAMPLING.to_dict(), SEED, *engine, turn(sentence, output)])


def _plan(keyed: dict[str, tuple[str, str]], first: int) -> Iterable[ledger.Planned]:
    for ordinal, (key, (sentence, output)) in enumerate(keyed.items(), first):
        about, asked = sentence_key(sentence), turn(sentence, output)
        yield ledger.Planned(key, ordinal, about, "judge", 0, "similarity", CONTEXT, asked, SEED)


def _answer(job: Job, backend: Any) -> Incomplete | None:
    pending = list(ledger.pending(job.connection, job.run.id, ("judge",)))
    rows = [Row(row.key, row.turn, row.seed, SAMPLING) for row in pending]
    done = 0
    with Intake(job) as intake:
        found = intake.completions(backend.generate([Context(CONTEXT, PREFIX, rows)], job.reporter.cancelled))
        for done, completion in enumerate(found, 1):
            if intake.add(_read(completion)):
                job.reporter.progress(done, len(rows), phase="judging")
    job.reporter.progress(done, len(rows), phase="judging")
    job.reporter.flush()
    return intake.incomplete()


def _read(completion: Completion) -> ledger.Answered:
    if not completion.answered:
        return ledger.Answered(completion, VERSION, [])
    score = parse_score(completion.text, completion.finish)
    text, failure = ("", "empty") if score is None else (f"{score:g}", None)
    return ledger.Answered(completion, VERSION, [ledger.Outcome(text, failure)])


def _take(job: Job, name: str, keyed: dict[str, tuple[str, str]]) -> None:
    """Store the scores of the requests that have an answer, whichever run got it."""
    found = []
    for key, (sentence, output) in keyed.items():
        answer = ledger.answer_to(job.connection, key)
        if answer is not None:
            found.append((measurements.pair_key(sentence, output), parse_score(*answer)))
    measurements.store(job.connection, name, found)
