"""Takes what a backend yields into the store in batches, and says at the end which requests nobody answered.

Knows the store and completions; knows no prompt. A request that met a fault stays open: the run is `incomplete`.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.jobs.job import Incomplete, Job
from syncse_local.records import Completion
from syncse_local.store import faults, ledger

BATCH_SECONDS = 0.5
"""Between two writes: a killed worker loses half a second of answers at most."""
IN_A_ROW = 20
"""Rows that fail with no answer between them: the engine is gone or the prompt is wrong, and more rows would tell no more."""
SHOWN = 3
"""Kinds of faults in an error's sentence."""


class Intake:
    """A stage's answers on their way into the store; what has come is stored however the stage ends."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._batch: list[ledger.Answered] = []
        self._written = time.monotonic()
        self._in_a_row = 0
        self._broke: SyncseError | None = None

    def __enter__(self) -> "Intake":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.write()

    def completions(self, found: Iterator[Completion]) -> Iterator[Completion]:
        """What the backend yields, up to its end, to the moment it breaks, or to IN_A_ROW faults without an answer."""
        try:
            for completion in found:
                self._in_a_row = 0 if completion.answered else self._in_a_row + 1
                yield completion
                if self._in_a_row >= IN_A_ROW:
                    return
        except SyncseError as problem:
            if problem.code is not ExitCode.FAILED:
                raise
            self._broke = problem
        finally:
            if isinstance(found, Generator):
                found.close()

    def add(self, answered: ledger.Answered) -> bool:
        """Take one; whether the batch was written just now."""
        self._batch.append(answered)
        if time.monotonic() - self._written < BATCH_SECONDS:
            return False
        self.write()
        return True

    def write(self) -> None:
        """Store what is waiting."""
        ledger.add_answers(self._job.connection, self._batch)
        self._batch, self._written = [], time.monotonic()

    def incomplete(self) -> Incomplete | None:
        """The error that ends a run in which requests lack an answer; None where all have one. After the last write."""
        run_id = self._job.run.id
        found = faults.unanswered(self._job.connection, run_id)
        if not found:
            return None
        detail = f"{sentence(found, faults.requests(self._job.connection, run_id))}."
        title, hint = "The run is incomplete", "Answered rows are kept and can be used."
        if self._broke is not None:
            title, detail, hint = self._broke.title, f"{self._broke.detail.rstrip('.')}. {detail}", self._broke.hint
        elif self._in_a_row >= IN_A_ROW:
            detail = f"{detail} It ended early, after {IN_A_ROW} requests in a row that went wrong."
        error = Incomplete(title, detail, f"{hint} Ask for the rest: syncse resume {run_id}")
        counts, rejected = ledger.counts(self._job.connection, run_id), ledger.failures(self._job.connection, run_id)
        error.result = {**counts, "failures": rejected, "unanswered": {kind.kind: kind.requests for kind in found}}
        return error


def sentence(found: Sequence[faults.Unanswered], requests: int) -> str:
    """`9 of 16 requests have no answer: HTTP 500 8, time-out 1; for example "..."`, without a full stop."""
    named = [f"{kind.kind} {kind.requests:,}" for kind in found[:SHOWN]]
    named += [f"{sum(kind.requests for kind in found[SHOWN:]):,} others"] if len(found) > SHOWN else []
    example = next((kind.example for kind in found if kind.example), "")
    shown = f'; for example "{example.rstrip(".")}"' if example else ""
    missing = sum(kind.requests for kind in found)
    return f"{missing:,} of {requests:,} requests have no answer: {', '.join(named)}{shown}"
