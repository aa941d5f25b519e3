"""Re-parsing: differences are seen before they are taken, old parses stay, and a person's word outranks the parser's."""

import sqlite3
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store import database, filtering, ledger, runs
from syncse_local.store.database import writing
from syncse_local.synthesis import parse, reparse
from syncse_local.synthesis.recipe import load_pools, load_recipe
from tests.unit.test_filtering import TRIPLETS, fill, record


@pytest.fixture
def made(tmp_path: Path) -> tuple[sqlite3.Connection, runs.Run]:
    """A run whose second positive an earlier parser took for a refusal, and whose first it cut short."""
    connection = database.connect(tmp_path / "w.db")
    recipe = load_recipe("starter")
    options = {"recipe": recipe.to_dict(), "pools_hash": load_pools(recipe).hash}
    run = runs.create(connection, "generate", options)
    fill(connection, run.id)
    context = f"positive/{load_pools(recipe).positive.prompts[0].id}/0"
    with writing(connection):
        connection.execute("UPDATE request SET context_id = ?", (context,))
        connection.execute("UPDATE parse SET version = 0")
        connection.execute(
            "UPDATE parse SET text = 'A cat' WHERE request_id = (SELECT id FROM request WHERE key LIKE '%-0-pos%')"
        )
        refused = "(SELECT id FROM request WHERE key LIKE '%-1-pos%')"
        connection.execute(f"UPDATE parse SET text = '', failure = 'refusal' WHERE request_id = {refused}")
        connection.execute(f"UPDATE decision SET verdict = 'reject', reason = 'refusal' WHERE request_id = {refused}")
    return connection, run


def test_differences_are_listed_and_nothing_is_stored(made: tuple[sqlite3.Connection, runs.Run]) -> None:
    connection, run = made
    before = list(connection.iterdump())
    found = list(reparse.reread(connection, run))
    assert len(found) == 8
    differing = [(r.old.outcomes[0].text, r.old.outcomes[0].failure, r.new[0].text) for r in found if r.differs]
    assert differing == [("A cat", None, TRIPLETS[0][1]), ("", "refusal", TRIPLETS[1][1])]
    assert list(connection.iterdump()) == before


def test_taking_keeps_the_old_parses_and_sets_old_verdicts_aside(made: tuple[sqlite3.Connection, runs.Run]) -> None:
    connection, run = made
    record(connection, run.id, (0, "length", "drop"))
    assert len(list(ledger.triplets(connection, [run.id]))) == 2
    assert reparse.take(connection, run) == [run.id]
    rows = list(ledger.triplets(connection, [run.id], filtered=True))
    assert [row["positive"] for row in rows] == [texts[1] for texts in TRIPLETS]
    assert filtering.current(connection, run.id) is None
    texts = connection.execute("SELECT count(*) FROM parse WHERE version = 0 AND text IN ('A cat', '')").fetchone()[0]
    assert texts == 2
    assert list(reparse.reread(connection, run)) == []


def test_a_persons_decision_stands(made: tuple[sqlite3.Connection, runs.Run]) -> None:
    connection, run = made
    with writing(connection):
        connection.execute(
            "INSERT INTO decision (request_id, source, verdict, reason, author, created) "
            "SELECT id, 'review', 'reject', 'dull', 'ada', 0 FROM request WHERE key LIKE '%-1-pos%'"
        )
    reparse.take(connection, run)
    assert ledger.failures(connection, run.id) == {"copy": 1, "dull": 1}


def test_a_newer_parser_reads_everything_again(
    made: tuple[sqlite3.Connection, runs.Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, run = made
    reparse.take(connection, run)
    monkeypatch.setattr(parse, "PARSER_VERSION", parse.PARSER_VERSION + 1)
    assert len(list(reparse.reread(connection, run))) == 8
    assert reparse.take(connection, run) == []
    versions = {row[0] for row in connection.execute("SELECT DISTINCT version FROM parse")}
    assert versions == {0, parse.PARSER_VERSION - 1, parse.PARSER_VERSION}


def test_what_cannot_be_parsed_again_is_refused(made: tuple[sqlite3.Connection, runs.Run]) -> None:
    connection, run = made
    trained = runs.create(connection, "train", {})
    edited = runs.create(connection, "generate", {**run.options, "pools_hash": "another"})
    for other, code in ((trained, ExitCode.USAGE), (edited, ExitCode.PREFLIGHT)):
        with pytest.raises(SyncseError) as caught:
            reparse.context(other)
        assert caught.value.code == code
