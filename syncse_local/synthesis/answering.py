"""Sends a run's open requests to a backend and brings the answers into the store, with progress and warnings.

Knows the store, the parser and the backend protocol; plans nothing. What a request needs is made when its context is sent.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from syncse_local.backends.base import Watched
from syncse_local.errors import SyncseError
from syncse_local.jobs.job import Cancelled, Job
from syncse_local.records import Completion, Context, InFlight
from syncse_local.store import ledger, newest_triplets
from syncse_local.synthesis import parse
from syncse_local.synthesis.arrival import FIRST, Arrival, coinciding
from syncse_local.synthesis.intake import Intake
from syncse_local.synthesis.outcomes import outcomes
from syncse_local.synthesis.parse import PARSER_VERSION
from syncse_local.synthesis.plan import PlannedRow, context_of, row_of
from syncse_local.synthesis.pools import Role
from syncse_local.synthesis.recipe import Pools, Recipe

LOOK_SECONDS = 0.25
"""Between two looks at what is in flight: as often as a person sees a figure change."""
READING, WRITING = "reading prompts", "writing"
THINKS = (
    "Switch reasoning off with --thinking off, or give it room: --thinking on --backend-option thinking_tokens=4096. "
    "`syncse recipes preview RECIPE --model MODEL` shows how the prompt ends."
)
"""The next step where a model spends its tokens on reasoning."""
SHARING = 2.0
"""Rows of a context, on average, from which an engine has something to share."""
JUDGED = 50
"""Answers before the share of rejected ones counts: of fewer, a bad start is no bad model."""


@dataclass
class Pace:
    """What the current process has done, for rates: rows answered, accepted and failed, tokens made, since when.

    `thinking`: answers that were rejected because there is reasoning and no answer.
    """

    started: float
    answered: int = 0
    accepted: int = 0
    thinking: int = 0
    faults: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    shared_tokens: int = 0

    @property
    def shared(self) -> float | None:
        """The share of prompt tokens that the engine did not compute again, as it says; None where it says nothing."""
        return round(self.shared_tokens / self.prompt_tokens, 3) if self.prompt_tokens else None

    def eta(self, left: int, written: int, seconds: float) -> float | None:
        """Seconds that `left` rows may take, by tokens: those `written` so far have the answers in flight in them.

        Without tokens by rows; None before an answer tells how long answers are.
        """
        if not self.answered:
            return None
        if not (written and self.tokens):
            return round(left * seconds / self.answered, 1)
        wanted = left * self.tokens / self.answered
        return round(max(0.0, wanted - max(0, written - self.tokens)) * seconds / written, 1)

    def add(self, row: ledger.Answered) -> None:
        """Count one row."""
        self.answered += row.completion.answered
        self.faults += not row.completion.answered
        self.accepted += any(not o.failure for o in row.outcomes)
        self.thinking += any(o.failure == parse.Failure.REASONING for o in row.outcomes)
        self.tokens += row.completion.output_tokens
        self.prompt_tokens += row.completion.prompt_tokens
        self.shared_tokens += row.completion.cached_tokens


class Answering:
    """The answering of one run by one backend; `max_failure_rate` is the share of rejected answers that ends it."""

    def __init__(self, job: Job, recipe: Recipe, pools: Pools, backend: Any, max_failure_rate: float = 1.0) -> None:
        self.job, self.recipe, self.pools, self.backend = job, recipe, pools, backend
        self.max_failure_rate = max_failure_rate
        self.heeded: set[str] = set()
        self.start = InFlight()
        self.phase = ""

    def answer(self, roles: tuple[Role, ...]) -> None:
        """Send what is pending to the backend and store the answers in batches as they come.

        Raises Incomplete where requests are left without an answer, and Cancelled after a clean save.
        """
        pending = ledger.pending_contexts(self.job.connection, self.job.run.id, roles)
        asked: dict[str, ledger.Planned] = {}
        before = ledger.counts(self.job.connection, self.job.run.id)
        pace, limit = Pace(time.monotonic()), self.max_failure_rate
        self.start = self.backend.in_flight() if isinstance(self.backend, Watched) else InFlight()
        looked = 0.0

        def cancelled() -> bool:
            """Asked all the time, also while no answer comes: so it is where what is in flight is shown."""
            nonlocal looked
            if time.monotonic() - looked >= LOOK_SECONDS:
                looked = time.monotonic()
                self.show(before, pace)
            return self.job.reporter.cancelled()

        arrival = Arrival()
        rows_each = sum(rows for *_, rows in pending) / max(1, len(pending))
        with Intake(self.job) as intake:
            for completion in intake.completions(self.backend.generate(self.contexts(pending, asked), cancelled)):
                row = asked.pop(completion.key)
                answered = self.parse(row, completion)
                pace.add(answered)
                arrival.add(row, answered)
                if intake.add(answered):
                    self.show(before, pace, answered)
                    self.warn(arrival)
                    self.heed(unshared(pace, rows_each, self.backend.settings()))
                _check_failure_rate(pace, limit, completion)
        self.warn(arrival, ended=True)
        self.heed()
        self.show(before, pace)
        self.job.reporter.flush()
        if pace.answered + pace.faults < sum(rows for *_, rows in pending) and self.job.reporter.cancelled():
            raise Cancelled
        if error := intake.incomplete():
            raise error

    def heed(self, *more: str) -> None:
        """Say once what the engine warns of; some of it is learnt on the way."""
        for text in [*self.backend.settings().get("warnings", ()), *more]:
            if text and text not in self.heeded:
                self.heeded.add(text)
                self.job.reporter.event("warning", text=text)

    def warn(self, arrival: Arrival, ended: bool = False) -> None:
        """Say once what the answers that are stored by now tell of what the engine sees."""
        for role in arrival.due(ended):
            said = [*arrival.warnings(role)]
            if role == "negative":
                said += [coinciding(newest_triplets.triplets(self.job.connection, self.job.run.id, FIRST))]
            for text in filter(None, said):
                self.job.reporter.event("warning", text=text)

    def contexts(self, pending: Iterable[tuple[str, str, int]], asked: dict[str, ledger.Planned]) -> Iterator[Context]:
        """The pending rows by context, read when the backend takes the context; they are in `asked` from then on."""
        for role, context_id, _ in pending:
            rows = ledger.pending_rows(self.job.connection, self.job.run.id, role, context_id)
            asked.update((row.key, row) for row in rows)
            prefix = context_of(self.recipe, self.pools, context_id)
            yield Context(context_id, prefix, [row_of(self.recipe, _plan_row(row), row.turn) for row in rows])

    def parse(self, row: ledger.Planned, completion: Completion) -> ledger.Answered:
        """A completion with what the parser makes of it; a fault has nothing to parse."""
        if not completion.answered:
            return ledger.Answered(completion, PARSER_VERSION, [])
        found = outcomes(self.recipe, self.pools, row, completion.text, completion.finish)
        return ledger.Answered(completion, PARSER_VERSION, found)

    def show(self, before: dict[str, int], pace: Pace, last: ledger.Answered | None = None) -> None:
        """Progress: rows done and accepted over all tries of the run, rates of this one, what the engine is at now."""
        seconds, total = max(1e-9, time.monotonic() - pace.started), before["planned"]
        done, rate = before["answered"] + pace.answered, pace.answered / seconds
        shown: dict[str, Any] = {"latest": last.outcomes[0].text[:300]} if last and last.outcomes else {}
        shown |= {"unanswered": pace.faults} if pace.faults else {}
        flight = self.flight()
        shown |= {"in_flight": flight.rows, "tokens_read": flight.read, "tokens_written": flight.written}
        phase = WRITING if flight.written or pace.answered else READING
        if phase != self.phase:
            self.phase = phase
            self.job.reporter.event("phase", name=phase, in_flight=flight.rows, tokens_read=flight.read)
        written = flight.written or pace.tokens
        self.job.reporter.progress(
            done,
            total,
            phase=phase,
            accepted=before["accepted"] + pace.accepted,
            rows_per_second=round(rate, 2),
            accepted_per_second=round(pace.accepted / seconds, 2),
            tokens_per_second=round(written / seconds, 1),
            shared=pace.shared,
            eta=pace.eta(total - done, flight.written, seconds),
            **shown,
        )

    def flight(self) -> InFlight:
        """What the engine has been at since this stage began."""
        if not isinstance(self.backend, Watched):
            return InFlight()
        now, start = self.backend.in_flight(), self.start
        return InFlight(now.rows, now.read - start.read, now.written - start.written)


def unshared(pace: Pace, rows_each: float, settings: Mapping[str, Any]) -> str:
    """What is said of an engine that should share prefixes, was given `rows_each` rows of a context, and shared none."""
    if not settings.get("shared_prefix") or rows_each < SHARING or pace.answered < JUDGED or pace.shared != 0:
        return ""
    return (
        "The engine computes every prompt whole: of the shared prefixes it kept 0 %. vLLM keeps prefixes of models with states "
        "in blocks of hundreds of tokens, which are longer than a recipe's; an engine that shares tokens one by one is faster here."
    )


def _check_failure_rate(pace: Pace, limit: float, last: Completion) -> None:
    if pace.answered >= JUDGED and 1 - pace.accepted / pace.answered > limit:
        said = f' The engine says: "{last.error.rstrip(".")}".' if last.error else ""
        if 2 * pace.thinking > pace.answered - pace.accepted:
            raise SyncseError(
                "The model reasons and does not answer",
                f"{pace.thinking} of {pace.answered} answers are reasoning that was cut off or never closed.{said}",
                THINKS,
            )
        raise SyncseError(
            "Too many rejected answers",
            f"{pace.answered - pace.accepted} of {pace.answered} were rejected, more than the limit of {limit:.0%}.{said}",
            "`syncse show RUN` lists the reasons. Raise --max-failure-rate to go on, or use another model.",
        )


def _plan_row(row: ledger.Planned) -> PlannedRow:
    role: Role = row.role  # type: ignore[assignment]
    return PlannedRow(
        row.key, row.ordinal, row.sentence_key, role, row.sample, row.prompt_id, row.context_id, row.seed, row.turn
    )
