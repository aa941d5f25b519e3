"""The judge: every pair is asked about once, through any backend, and an answer without a number is no verdict."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from syncse_local.backends.spec import Abilities, BackendSpec
from syncse_local.jobs.job import Cancelled, Incomplete, Job
from syncse_local.jobs.progress import StoreReporter
from syncse_local.records import Completion, Context
from syncse_local.registry import BACKENDS
from syncse_local.store import database, filtering, ledger, runs
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.filters import instruments
from syncse_local.synthesis.filters.apply import apply, candidates
from syncse_local.synthesis.filters.judging import ask
from syncse_local.synthesis.filters.settings import FilterSettings, changed
from tests.unit.test_filtering import TRIPLETS, fill

SCORES = {TRIPLETS[0][1]: "5", TRIPLETS[0][2]: "1", TRIPLETS[1][1]: "2", TRIPLETS[1][2]: "Score: 4"}


class Scorer:
    """A backend that answers from a table; what it has no score for gets an excuse. `stop_after` rows it is cancelled."""

    name, version = "scorer", "1"
    asked: list[str] = []  # noqa: RUF012
    stop_after = 100

    def __init__(self, model: Path, **_: Any) -> None:
        self.info = SimpleNamespace(sha256="ab" * 32)

    def generate(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        for row in (row for context in contexts for row in context.rows):
            if len(self.asked) >= self.stop_after:
                return
            self.asked.append(row.turn)
            output = row.turn.partition("Sentence 2: ")[2]
            yield Completion(row.key, SCORES.get(output, "I would rather not say."), "stop")

    def close(self) -> None:
        pass


SPEC = BackendSpec("scorer", "a table", f"{__name__}:Scorer", options=type(None), abilities=Abilities())


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setitem(BACKENDS, "scorer", f"{__name__}:SPEC")
    monkeypatch.setattr(Scorer, "asked", [])
    connection = database.connect(tmp_path / "w.db")
    made = runs.create(connection, "generate", {})
    fill(connection, made.id)
    run = runs.create(connection, "filter", {"run": made.id})
    return Job(run, connection, StoreReporter(connection, run.id), tmp_path, tmp_path)


SETTINGS = changed(FilterSettings(), {"judge.model": "table", "judge.backend": "scorer"}, "test")


def verdicts(connection: sqlite3.Connection, run_id: str) -> dict[int, tuple[str, float | None]]:
    current = filtering.current(connection, run_id)
    assert current is not None
    query = "SELECT ordinal, verdict, score FROM verdict WHERE filtering_id = ? AND filter = 'judge'"
    return {row[0]: (row[1], row[2]) for row in connection.execute(query, (current["id"],))}


def test_scores_become_verdicts_and_a_reversed_pair_is_exchanged(job: Job) -> None:
    run_id = job.run.options["run"]
    rows = candidates(job.connection, [run_id])
    assert instruments.lacking(job.connection, SETTINGS, rows)
    assert ask(job, SETTINGS.judge, rows) == 6
    assert not instruments.lacking(job.connection, SETTINGS, rows)
    measured = instruments.stored(job.connection, SETTINGS)
    report = apply(job.connection, run_id, SETTINGS, measured, Gate())
    assert verdicts(job.connection, run_id) == {0: ("keep", 4.0), 2: ("swap", -2.0), 4: ("keep", None)}
    assert (report.exchanged, report.unmeasured) == (1, 1)
    second = list(ledger.triplets(job.connection, [run_id], filtered=True))[1]
    assert (second["positive"], second["negative"]) == (TRIPLETS[1][2], TRIPLETS[1][1])


def test_nothing_is_asked_twice(job: Job) -> None:
    rows = candidates(job.connection, [job.run.options["run"]])
    ask(job, SETTINGS.judge, rows)
    assert ask(job, SETTINGS.judge, rows) == 0
    assert len(Scorer.asked) == len(set(Scorer.asked)) == 6


def test_a_stopped_judge_goes_on_where_it_was(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = candidates(job.connection, [job.run.options["run"]])
    monkeypatch.setattr(Scorer, "stop_after", 2)
    job.reporter.stop = True
    with pytest.raises(Cancelled):
        ask(job, SETTINGS.judge, rows)
    monkeypatch.setattr(Scorer, "stop_after", 100)
    job.reporter.stop = False
    assert ask(job, SETTINGS.judge, rows) == 4
    assert len(Scorer.asked) == len(set(Scorer.asked)) == 6
    answered = job.connection.execute(
        "SELECT count(*) FROM response AS a JOIN request AS r ON r.id = a.request_id WHERE role = 'judge'"
    )
    assert answered.fetchone()[0] == 6


def test_a_pair_without_an_answer_has_no_score_and_is_asked_again(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = candidates(job.connection, [job.run.options["run"]])
    working = Scorer.generate

    def failing(self: Scorer, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        for number, completion in enumerate(working(self, contexts, cancelled)):
            yield Completion(completion.key, "", "error", error="gone", fault="engine") if number % 2 else completion

    monkeypatch.setattr(Scorer, "generate", failing)
    with pytest.raises(Incomplete, match="3 of 6 requests have no answer: engine 3"):
        ask(job, SETTINGS.judge, rows)
    assert instruments.lacking(job.connection, SETTINGS, rows)
    monkeypatch.setattr(Scorer, "generate", working)
    assert ask(job, SETTINGS.judge, rows) == 3
    assert not instruments.lacking(job.connection, SETTINGS, rows)
