"""The ledger: one answer a request, resume as what has no response, triplets from accepted pairs."""

import sqlite3
from pathlib import Path

import pytest

from syncse_local.records import Completion
from syncse_local.store import ledger, runs
from syncse_local.store.database import connect


@pytest.fixture
def planned(tmp_path: Path) -> tuple[sqlite3.Connection, str]:
    connection = connect(tmp_path / "w.db")
    run = runs.create(connection, "generate", {})
    ledger.add_sentences(connection, [("s1", "The cat sleeps.", "a.txt"), ("s2", "It rained.", "a.txt")])
    ledger.add_plan(connection, run.id, _plan())
    return connection, run.id


def _plan() -> list[ledger.Planned]:
    rows = []
    for i, key in enumerate(("s1", "s2")):
        for j, role in enumerate(("positive", "negative")):
            name = f"{key}-{role}"
            rows.append(ledger.Planned(name, 2 * i + j, key, role, 0, "p", f"{role}/p/0", f"turn {key}", 7))
    return rows


def _answer(key: str, text: str, failure: str | None = None) -> ledger.Answered:
    return ledger.Answered(Completion(key, f"raw {text}", "stop"), 1, [ledger.Outcome(text, failure)])


def test_planning_again_changes_nothing(planned: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = planned
    ledger.add_plan(connection, run_id, _plan())
    assert ledger.counts(connection, run_id)["planned"] == 4


def test_pending_is_what_has_no_response(planned: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = planned
    ledger.add_answers(connection, [_answer("s1-positive", "A cat is asleep.")])
    left = [row.key for row in ledger.pending(connection, run_id, ("positive", "negative"))]
    assert left == ["s2-positive", "s1-negative", "s2-negative"]


def test_a_second_answer_to_a_request_is_not_taken(planned: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = planned
    assert ledger.add_answers(connection, [_answer("s1-positive", "first")]) == 1
    assert ledger.add_answers(connection, [_answer("s1-positive", "second")]) == 0
    (row,) = ledger.answers(connection, run_id, 10, False)
    assert (row["raw"], row["parsed"]) == ("raw first", "first")


def test_only_pairs_with_both_parts_accepted_are_triplets(planned: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = planned
    answers = [
        _answer("s1-positive", "A cat is asleep."),
        _answer("s1-negative", "The cat runs."),
        _answer("s2-positive", "It rained.", "copy"),
        _answer("s2-negative", "It was dry."),
    ]
    ledger.add_answers(connection, answers)
    rows = list(ledger.triplets(connection, [run_id]))
    assert [(r["sentence"], r["positive"], r["negative"]) for r in rows] == [
        ("The cat sleeps.", "A cat is asleep.", "The cat runs.")
    ]
    assert len(list(ledger.triplets(connection, [run_id], accepted_only=False))) == 2
    assert ledger.failures(connection, run_id) == {"copy": 1}


def test_a_second_run_of_the_same_plan_has_nothing_to_ask(planned: tuple[sqlite3.Connection, str]) -> None:
    connection, _run_id = planned
    for key in ("s1-positive", "s1-negative", "s2-positive", "s2-negative"):
        ledger.add_answers(connection, [_answer(key, f"text of {key}")])
    again = runs.create(connection, "generate", {})
    ledger.add_plan(connection, again.id, _plan())
    assert list(ledger.pending(connection, again.id, ("positive", "negative"))) == []
    assert ledger.counts(connection, again.id)["triplets"] == 2


def test_text_that_is_no_unicode_is_kept_as_far_as_it_can_be(planned: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = planned
    ledger.add_answers(connection, [_answer("s1-positive", "half a pair \ud83d and a zero \x00 byte")])
    (row,) = ledger.answers(connection, run_id, 10, False)
    assert row["parsed"] == "half a pair ? and a zero \x00 byte"
