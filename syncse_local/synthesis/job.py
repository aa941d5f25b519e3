"""The generate stage: plan the run once, then ask the backend for every request that has no response yet.

Knows the store, the plan and the backend protocol; knows no engine and no screen. A row that was answered is never
asked again, so a run that died goes on where its last committed batch ended; one that met a fault is asked again.
"""

import gc
import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from syncse_local.backends.preflight import check_generate
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs.job import Cancelled, Job
from syncse_local.machine_memory import FreeMemory
from syncse_local.modelfiles.hashing import model_sha256
from syncse_local.registry import backend_spec, load_backend
from syncse_local.specs.generate import GenerateSpec
from syncse_local.store import ledger, runs
from syncse_local.synthesis.answering import THINKS, Answering
from syncse_local.synthesis.contamination import contaminated
from syncse_local.synthesis.contexts import recipe_of
from syncse_local.synthesis.parse import Failure
from syncse_local.synthesis.plan import (
    PAIR_ROLES,
    EngineIdentity,
    PlannedRow,
    calls_for,
    plan_pairs,
    plan_sentences,
    sentences_of,
)
from syncse_local.synthesis.recipe import Pools, Recipe, load_pools
from syncse_local.synthesis.shards import WHOLE, PlanSlice
from syncse_local.text.clean import sentence_key, storable
from syncse_local.text.ingest import open_input

PLAN_BATCH = 100_000
"""Rows in a transaction of the plan: the index of keys is rewritten once for each."""
SCRATCH_ROUNDS = 4
"""How often stage one of scratch may ask for the sentences that are still missing."""


def run(job: Job) -> dict[str, Any]:
    """Do a generate run; returns its counts. Raises SyncseError, or Cancelled after a clean save."""
    spec = GenerateSpec.of(job.run.options)
    recipe = recipe_of(spec)
    stage = Generation(job, spec, recipe, load_pools(recipe))
    stage.check_unchanged()
    job.reporter.event("loading", backend=spec.backend, model=spec.model)
    job.reporter.progress(0, 0, phase="loading")
    job.reporter.flush()
    backend = opened_backend(job, spec)
    try:
        engine = EngineIdentity(backend.info.sha256, backend.name, backend.version)
        stage.engine = engine.with_options(spec.backend_options or {})
        job.reporter.event("engine", settings=backend.settings(), **vars_of(stage.engine))
        answering = Answering(job, recipe, stage.pools, backend, spec.max_failure_rate)
        answering.heed()
        if recipe.writes:
            stage.write_sentences(answering)
        stage.plan_once("pairs", stage.pair_rows)
        answering.answer(PAIR_ROLES)
    finally:
        backend.close()
        if released := backend.settings().get("released"):
            job.reporter.event("released", **released)
    if stage.recognised:
        text = f"the input was recognised as {stage.recognised}; if its texts look wrong, name another with --encoding"
        job.reporter.event("warning", text=text)
    return stage.result()


def opened_backend(job: Job, spec: GenerateSpec) -> Any:
    """The run's backend, its model checked against the memory that is free where it is loaded here."""
    engine = spec.backend_options or {}
    made = load_backend(spec.backend)
    if backend_spec(spec.backend).model != "files":
        return made(spec.model, **engine)
    model = Path(spec.model)
    if not spec.force:
        fits = check_generate(spec.backend, model, engine, FreeMemory.now())
        job.reporter.event("memory", text="; ".join(map(str, fits)))
    return made(model, sha256=model_sha256(job.connection, model), **engine)


def vars_of(engine: EngineIdentity) -> dict[str, str]:
    """The engine's identity as plain data."""
    return {"model_sha256": engine.model_sha256, "backend": engine.backend, "version": engine.version}


class Generation:
    """One generate run: its recipe, pools and engine, and what is written to the store about it."""

    def __init__(self, job: Job, spec: GenerateSpec, recipe: Recipe, pools: Pools) -> None:
        self.job, self.spec, self.recipe, self.pools = job, spec, recipe, pools
        self.engine = EngineIdentity("", "", "")
        self.plan_slice = PlanSlice.of(spec, recipe.generators)
        self.skipped: dict[str, int] = {}
        self.recognised = ""
        """The input's encoding where nobody named it."""
        self.numbers: dict[str, int] = {}
        """Of the sentences that were stored last, by key: those that the next planned rows are about."""

    def check_unchanged(self) -> None:
        """Refuse to go on with edited pools: half a run under other prompts is two experiments in one."""
        expected = self.spec.pools_hash
        if expected and expected != self.pools.hash:
            raise SyncseError(
                "The prompt pools have changed",
                "This run was started with other prompts or exemplars than the files hold now.",
                "Restore the files to resume it, or start a new run.",
                ExitCode.PREFLIGHT,
            )

    # -- planning ----------------------------------------------------------------------------------------------------

    def plan_once(self, stage: str, rows: Any, **more: object) -> None:
        """Store the plan of this stage unless it is stored already; it must have been made for this very engine."""
        done = self.planned()
        for plan in done.values():
            if plan["engine"] != vars_of(self.engine):
                raise SyncseError(
                    "The engine has changed",
                    f"The run was planned for {plan['engine']}, and would go on with {vars_of(self.engine)}.",
                    "Resume it with the same model file and backend version, or start a new run.",
                    ExitCode.PREFLIGHT,
                )
        if stage in done:
            return
        count = self.store_plan(rows())
        told = {"part": stage, "rows": count, "skipped": self.skipped, "engine": vars_of(self.engine), **more}
        self.job.reporter.event("planned", **told)

    def store_plan(self, rows: Iterable[ledger.Planned]) -> int:
        """Store planned rows in short transactions; returns how many."""
        count, planned = 0, iter(rows)
        with _no_collection():
            while batch := list(islice(planned, PLAN_BATCH)):
                ledger.add_plan(self.job.connection, self.job.run.id, batch, self.numbers)
                count += len(batch)
                self.job.reporter.progress(count, 0, phase="planning")
                if self.job.reporter.cancelled():
                    raise Cancelled
        return count

    def planned(self) -> dict[str, dict[str, Any]]:
        """What was said of each stage of the plan when its last row was stored."""
        events = runs.events(self.job.connection, self.job.run.id)
        return {e["data"]["part"]: e["data"] for e in events if e["kind"] == "planned"}

    def write_sentences(self, answering: Answering) -> None:
        """Stage one of scratch: plan calls and answer them, with more calls where too many sentences were dropped."""
        calls = calls_for(self.recipe, self.count)
        start = 0
        for attempt in range(1, SCRATCH_ROUNDS + 1):
            missing = self.wanted - len(set(ledger.accepted_sentences(self.job.connection, self.job.run.id)))
            if missing <= 0:
                return
            if attempt > 1:  # of the calls that follow, only this slice's are made
                calls = math.ceil(calls_for(self.recipe, missing) / self.plan_slice.share)
            name = f"sentences {attempt}"
            self.plan_once(name, lambda span=(calls, start): self.call_rows(*span), calls=start + calls)
            start = self.planned()[name].get("calls", start + calls)
            answering.answer(("sentence",))

    def call_rows(self, calls: int, start: int) -> Iterator[ledger.Planned]:
        """The requests for sentences of this run's slice, among the calls from `start` on."""
        rows = plan_sentences(self.recipe, self.pools, calls, self.engine, start, self.plan_slice)
        return (_stored(row, row.turn) for row in rows)

    @property
    def count(self) -> int:
        """How many sentences all parts together write."""
        return self.spec.count

    @property
    def wanted(self) -> int:
        """How many sentences this run writes."""
        return sentences_of(self.recipe, self.count, self.plan_slice)

    def sources(self) -> Iterator[tuple[str, Iterable[tuple[str, str]], PlanSlice]]:
        """Where the sentences come from, with their keys, and the slice of them that is this run's: all that it wrote itself."""
        if self.recipe.reads:
            yield storable(Path(self.spec.input).name), self.input_sentences(), self.plan_slice
        if self.recipe.writes:
            yield "scratch", self.written_sentences(), WHOLE

    def pair_rows(self) -> Iterator[ledger.Planned]:
        """Two requests for each distinct sentence and sample, in constant memory but for the keys."""
        seen: set[str] = set()
        base = 0
        for source, sentences, plan_slice in self.sources():
            fresh = iter(sentences)
            if self.recipe.writes:  # a model may write a sentence twice, or one of the input; an input's differ
                fresh = ((key, text) for key, text in sentences if not (key in seen or seen.add(key)))  # type: ignore[func-returns-value]
            while chunk := dict(islice(fresh, PLAN_BATCH // len(PAIR_ROLES))):
                rows = list(plan_pairs(self.recipe, self.pools, chunk.items(), self.engine, plan_slice))
                taken = dict.fromkeys(row.sentence_key for row in rows)
                stored = [(key, chunk[key], source) for key in taken]
                self.numbers = ledger.add_sentences(self.job.connection, stored)
                yield from (_stored(r, chunk[r.sentence_key], base) for r in rows)
                base += len(PAIR_ROLES) * self.recipe.samples * len(chunk)

    def input_sentences(self) -> Iterator[tuple[str, str]]:
        """The sentences of the input file, up to the run's limit."""
        source = open_input(Path(self.spec.input), **self.spec.reading())
        self.recognised = source.mapping.encoding
        self.job.reporter.event("mapping", described=source.mapping.describe())
        yield from ((row.key, row.sentence) for row in islice(iter(source), self.spec.limit or None))
        self.skipped = source.skipped()

    def written_sentences(self) -> Iterator[tuple[str, str]]:
        """The sentences that stage one wrote, each once, up to the number asked for."""
        found = dict.fromkeys(ledger.accepted_sentences(self.job.connection, self.job.run.id))
        if not found and self.wanted:
            raise SyncseError(
                "No sentence was written",
                "Every answer of the first stage was rejected; see the failure types.",
                "Look at the raw answers with `syncse show RUN --raw`, or use another model or recipe.",
                ExitCode.NOTHING,
            )
        yield from ((sentence_key(text), text) for text in islice(found, self.wanted))

    def result(self) -> dict[str, Any]:
        """Counts and failures; a run without one accepted triplet is no success."""
        counts = ledger.counts(self.job.connection, self.job.run.id)
        failures = ledger.failures(self.job.connection, self.job.run.id)
        if not counts["planned"]:
            detail = (
                "The input has no usable sentence."
                if self.plan_slice.whole
                else "No row falls to this shard or generator."
            )
            raise SyncseError("Nothing to do", detail, "Check the file, or use fewer shards.", ExitCode.NOTHING)
        said, times = ledger.commonest_error(self.job.connection, self.job.run.id)
        reason = f'The commonest reason that the engine gave, {times} times: "{said.rstrip(".")}".' if said else ""
        if not counts["triplets"]:
            common = ", ".join(f"{name} {n}" for name, n in list(failures.items())[:3])
            thinks = next(iter(failures), "") == Failure.REASONING
            raise SyncseError(
                "No triplet was accepted",
                f"{counts['answered']} answers, none usable: {common or 'none'}. {reason}".rstrip(),
                THINKS
                if thinks
                else "Look at the raw answers with `syncse show RUN --raw`; try another model or recipe.",
            )
        if reason:
            self.job.reporter.event("warning", text=reason)
        rows = ledger.candidates(self.job.connection, [self.job.run.id])
        matched = contaminated(rows, self.spec)
        return {**counts, "contaminated": matched, "failures": failures}


@contextmanager
def _no_collection() -> Iterator[None]:
    """Without the search for cycles: there are none among millions of planned rows, and looking takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _stored(row: PlannedRow, turn: str, base: int = 0) -> ledger.Planned:
    """The row as the ledger keeps it; `base` rows of other stages come before its own stage's first."""
    key, ordinal, sentence, role, sample, prompt, context, seed, _, genre, topics = row
    subject = (genre, json.dumps(topics) if topics else "")
    return ledger.Planned(key, base + ordinal, sentence, role, sample, prompt, context, turn, seed, *subject)
