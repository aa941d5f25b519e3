"""A fault is no answer: it is kept with its reason, its request stays open, and workspaces of 0.1.0 are brought to this."""

import sqlite3
from pathlib import Path

import pytest

from syncse_local.records import Completion, Finish
from syncse_local.store import database, faults, ledger, measurements, review, runs, triplet_detail, triplet_index
from syncse_local.store.last_word import standing
from syncse_local.synthesis.index_triplets import refresh
from tests.unit.test_filtering import fill

ROLES = ("positive", "negative")
BEFORE = 6
"""The last schema in which errors stood among the responses."""


def planned(connection: sqlite3.Connection, sentences: int = 2) -> str:
    """A generate run over numbered sentences, nothing answered."""
    run = runs.create(connection, "generate", {})
    ledger.add_sentences(connection, [(f"s{n}", f"Sentence {n}.", "made") for n in range(sentences)])
    rows = [
        ledger.Planned(f"{role}-{n}", 2 * n + i, f"s{n}", role, 0, "p", f"{role}/p/0", f"Sentence {n}.", n)
        for n in range(sentences)
        for i, role in enumerate(ROLES)
    ]
    ledger.add_plan(connection, run.id, rows)
    return run.id


def answer(key: str, text: str = "said", finish: Finish = "stop", error: str = "", fault: str = "") -> ledger.Answered:
    """An answer, or a fault, to a request."""
    done = Completion(key, text, finish, error=error, fault=fault)
    return ledger.Answered(done, 1, [ledger.Outcome(text, None)] if done.answered else [])


def boom(key: str) -> ledger.Answered:
    """A fault of a request."""
    return answer(key, "", "error", "HTTP 500: boom", "HTTP 500")


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return database.connect(tmp_path / "w.db")


def test_a_fault_leaves_its_request_open(connection: sqlite3.Connection) -> None:
    run_id = planned(connection)
    assert ledger.add_answers(connection, [boom("positive-0"), answer("negative-0"), boom("positive-1")]) == 1
    assert [row.key for row in ledger.pending(connection, run_id, ROLES)] == ["positive-0", "positive-1", "negative-1"]
    assert ledger.counts(connection, run_id) == {"planned": 4, "answered": 1, "accepted": 1, "triplets": 0}
    assert ledger.failures(connection, run_id) == {}
    assert [tuple(found) for found in faults.unanswered(connection, run_id)] == [
        ("HTTP 500", 2, "HTTP 500: boom"),
        (faults.UNASKED, 1, ""),
    ]
    assert {(row["reason"], row["error"]) for row in faults.rows(connection, run_id, 9)} == {
        ("HTTP 500", "HTTP 500: boom")
    }


def test_a_later_answer_takes_the_place_of_a_fault_and_no_fault_that_of_an_answer(
    connection: sqlite3.Connection,
) -> None:
    run_id = planned(connection, 1)
    ledger.add_answers(connection, [boom("positive-0")])
    ledger.add_answers(connection, [boom("positive-0"), answer("positive-0")])
    ledger.add_answers(connection, [answer("negative-0")])
    ledger.add_answers(connection, [boom("negative-0")])
    assert faults.unanswered(connection, run_id) == []
    assert ledger.counts(connection, run_id)["triplets"] == 1


def test_every_run_that_plans_the_request_may_ask_again(connection: sqlite3.Connection) -> None:
    first = planned(connection, 1)
    ledger.add_answers(connection, [boom("positive-0"), answer("negative-0")])
    again = planned(connection, 1)
    assert [row.key for row in ledger.pending(connection, again, ROLES)] == ["positive-0"]
    ledger.add_answers(connection, [answer("positive-0")])
    assert faults.unanswered(connection, first) == []


def test_a_triplet_without_an_answer_says_why(connection: sqlite3.Connection) -> None:
    run_id = planned(connection, 1)
    ledger.add_answers(connection, [answer("positive-0"), boom("negative-0")])
    found = triplet_detail.triplet(connection, run_id, 0)
    assert standing(found) == {"positive": "said", "negative": "", "state": "unanswered", "reason": "HTTP 500"}
    halves = triplet_detail.halves(connection, found)
    assert [(half["finish"], half["verdict"], half["error"]) for half in halves] == [
        ("stop", "accept", ""),
        ("no answer", "unanswered", "HTTP 500: boom"),
    ]


def _old_error(old: sqlite3.Connection, key: str, finish: str = "error") -> None:
    """What 0.1.0 stored for a request that went wrong."""
    (number,) = old.execute("SELECT id FROM request WHERE key = ?", (key,)).fetchone()
    old.execute(
        "INSERT INTO response VALUES (?, 'half an ans', ?, 'after 7 attempts: HTTP 500', 0, 0, 0, 0, 1.0)",
        (number, finish),
    )
    old.execute("INSERT INTO parse VALUES (?, 1, 0, '', 'error')", (number,))
    old.execute(
        "INSERT INTO decision (request_id, source, verdict, reason, created) VALUES (?, 'parser', 'reject', 'error', 1.0)",
        (number,),
    )


def _opened(path: Path) -> sqlite3.Connection:
    """A database of 0.1.0."""
    old = sqlite3.connect(path, isolation_level=None)
    old.row_factory = sqlite3.Row
    database.migrate(old, BEFORE)
    return old


def _answered(old: sqlite3.Connection, key: str) -> None:
    (number,) = old.execute("SELECT id FROM request WHERE key = ?", (key,)).fetchone()
    old.execute("INSERT INTO response VALUES (?, 'fine', 'stop', '', 1, 0, 1, 0, 1.0)", (number,))
    old.execute("INSERT INTO parse VALUES (?, 1, 0, 'fine', NULL)", (number,))
    old.execute(
        "INSERT INTO decision (request_id, source, verdict, created) VALUES (?, 'parser', 'accept', 1.0)", (number,)
    )


def test_errors_that_an_earlier_version_kept_are_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    old = _opened(path)
    run_id = planned(old, 3)
    for key in ("positive-0", "negative-0", "positive-1"):
        _answered(old, key)
    for key, finish in (("negative-1", "error"), ("positive-2", "cancelled"), ("negative-2", "refused")):
        _old_error(old, key, finish)
    refresh(old, run_id)
    runs.move(old, run_id, "queued", "running")
    runs.finish(old, run_id, "done")
    old.close()
    new = database.connect(path)
    assert [row.key for row in ledger.pending(new, run_id, ROLES)] == ["positive-2", "negative-1"]
    assert ledger.failures(new, run_id) == {"error": 1}  # the refused one
    (found,) = faults.unanswered(new, run_id)
    assert (found.requests, found.example) == (2, "after 7 attempts: HTTP 500")
    assert faults.rows(new, run_id, 9)[0]["raw"] == "half an ans"
    run = runs.get(new, run_id)
    assert (run.state, run.error and run.error["code"]) == ("incomplete", 1)
    assert run_id in str(run.error)
    ledger.add_answers(new, [answer("negative-1", "now")])
    refresh(new, run_id)
    entries = triplet_index.page(new, triplet_index.TripletQuery(run_id), 0, 9)
    assert [(entry["ordinal"], entry["state"], entry["negative"]) for entry in entries] == [
        (0, "accepted", "fine"),
        (2, "accepted", "now"),
    ]
    searched = triplet_index.page(new, triplet_index.TripletQuery(run_id, search="now"), 0, 9)
    assert [entry["ordinal"] for entry in searched] == [2]


def test_what_a_person_wrote_over_an_error_stays(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    old = _opened(path)
    run_id = planned(old, 1)
    _old_error(old, "positive-0")
    _answered(old, "negative-0")
    old.execute(
        "INSERT INTO review (key, positive_request, negative_request, action, positive, negative, author, created) "
        "VALUES ('k', 'positive-0', 'negative-0', 'edit', 'mine', 'mine too', 'ann', 2.0)"
    )
    old.close()
    new = database.connect(path)
    (row,) = ledger.triplets(new, [run_id])
    assert (row["positive"], row["review"]) == ("mine", "edit")
    assert review.listed(new, run_id)


def test_a_judge_that_failed_is_asked_again_after_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    old = _opened(path)
    made = runs.create(old, "filter", {})
    ledger.add_plan(old, made.id, [ledger.Planned("j", 0, "", "judge", 0, "p", "c", "turn", 1)])
    _old_error(old, "j")
    measurements.store(old, "judge:x", [(b"failed", None), (b"told", 4.0)])
    old.close()
    new = database.connect(path)
    assert not measurements.known(new, "judge:x", b"failed")
    assert measurements.value(new, "judge:x", b"told") == 4.0


def test_a_workspace_without_errors_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    old = _opened(path)
    run = runs.create(old, "generate", {})
    measurements.store(old, "judge:x", [(b"unclear", None)])
    old.close()
    new = database.connect(path)
    fill(new, run.id)
    assert measurements.known(new, "judge:x", b"unclear")
    assert runs.get(new, run.id).state == "queued"
