"""Applications of filters in the store: the filtered view follows the latest, nothing is lost, old workspaces open."""

import sqlite3
from pathlib import Path

import pytest

from syncse_local.records import Completion
from syncse_local.store import database, filtering, ledger, measurements, runs
from syncse_local.store.filtering import VerdictRow
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.filters.apply import apply
from syncse_local.synthesis.filters.instruments import Instruments
from syncse_local.synthesis.filters.settings import FilterSettings, changed

TRIPLETS = [
    ("The cat sleeps on the warm mat.", "A cat is asleep on a warm rug.", "The cat jumps off the warm mat."),
    ("It rained in the hills all day.", "All day rain fell on the hills.", "It was dry in the hills all day."),
    ("The train to the coast was late.", "The train to the coast was late, it was.", "The train was early."),
]


def fill(connection: sqlite3.Connection, run_id: str) -> None:
    """A run with three accepted triplets and one whose positive was a copy."""
    rows, answers = [], []
    for i, texts in enumerate([*TRIPLETS, ("Copied.", "Copied.", "Not copied at all.")]):
        ledger.add_sentences(connection, [(f"s{i}", texts[0], "a.txt")])
        for j, role in enumerate(("positive", "negative")):
            key = f"{run_id}-{i}-{role}"
            rows.append(ledger.Planned(key, 2 * i + j, f"s{i}", role, 0, "p", f"{role}/p/0", texts[0], 7))
            failure = "copy" if texts[j + 1] == texts[0] else None
            outcome = ledger.Outcome(texts[j + 1], failure)
            answers.append(ledger.Answered(Completion(key, texts[j + 1], "stop"), 1, [outcome]))
    ledger.add_plan(connection, run_id, rows)
    ledger.add_answers(connection, answers)


@pytest.fixture
def filled(tmp_path: Path) -> tuple[sqlite3.Connection, str]:
    connection = database.connect(tmp_path / "w.db")
    run = runs.create(connection, "generate", {})
    fill(connection, run.id)
    return connection, run.id


def positives(connection: sqlite3.Connection, run_id: str) -> list[str]:
    return [row["positive"] for row in ledger.triplets(connection, [run_id], filtered=True)]


def record(connection: sqlite3.Connection, run_id: str, *said: tuple[int, str, str]) -> int:
    rows = [VerdictRow(ordinal, name, 1, verdict, 0.5, "") for ordinal, name, verdict in said]
    return filtering.record(connection, run_id, {}, "hash", {}, 3, rows)


def test_a_run_that_was_not_filtered_has_all_its_accepted_triplets(filled: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = filled
    assert positives(connection, run_id) == [texts[1] for texts in TRIPLETS]
    assert filtering.summary(connection, run_id) is None


def test_the_latest_application_decides_and_the_earlier_ones_stay(filled: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = filled
    record(connection, run_id, (0, "length", "drop"), (2, "length", "keep"), (4, "length", "drop"))
    assert positives(connection, run_id) == [TRIPLETS[1][1]]
    record(
        connection, run_id, (0, "length", "flag"), (2, "length", "swap"), (4, "length", "keep"), (4, "judge", "drop")
    )
    assert positives(connection, run_id) == [TRIPLETS[0][1], TRIPLETS[1][2]]  # the second is exchanged
    summary = filtering.summary(connection, run_id)
    assert summary is not None
    assert (summary["kept"], summary["judged"], summary["unjudged"]) == (2, 3, 0)
    assert summary["filters"] == {"judge": {"drop": 1}, "length": {"flag": 1, "swap": 1}}
    assert connection.execute("SELECT count(*) FROM verdict").fetchone()[0] == 7
    assert len(list(ledger.triplets(connection, [run_id]))) == 3
    full = {r["ordinal"]: r["dropped_by"] for r in ledger.triplets(connection, [run_id], accepted_only=False)}
    assert full == {0: "", 2: "", 4: "judge", 6: ""}


def test_an_application_that_was_cut_short_does_not_count(filled: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = filled

    def dying() -> object:
        yield VerdictRow(0, "length", 1, "drop", None, "")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filtering.record(connection, run_id, {}, "hash", {}, 3, dying())  # type: ignore[arg-type]
    assert len(positives(connection, run_id)) == 3


def test_applying_stores_a_score_for_every_filter_and_says_what_changes(filled: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = filled
    settings = changed(FilterSettings(), {"lexical.max_overlap": 0.7}, "test")

    def go(wanted: FilterSettings, dry_run: bool = False) -> tuple[int, int, int]:
        report = apply(connection, run_id, wanted, Instruments(), Gate(), dry_run=dry_run)
        assert report.triplets == 3
        return report.kept, report.dropped, report.restored

    assert go(settings, dry_run=True) == (2, 1, 0)
    assert len(positives(connection, run_id)) == 3
    assert go(settings) == (2, 1, 0)
    assert positives(connection, run_id) == [texts[1] for texts in TRIPLETS[:2]]
    assert go(settings) == (2, 0, 0)
    assert go(FilterSettings()) == (3, 0, 1)
    query = "SELECT ordinal, filter, verdict, score, reason FROM verdict WHERE filtering_id = ? ORDER BY 1, 2"
    first, second = (connection.execute(query, (number,)).fetchall() for number in (1, 2))
    assert [tuple(row) for row in first] == [tuple(row) for row in second]
    assert all(row["score"] is not None for row in first)
    assert ("positive_copy", "drop", "copy") in {(row["filter"], row["verdict"], row["reason"]) for row in first}


def test_duplicates_across_runs(filled: tuple[sqlite3.Connection, str]) -> None:
    connection, run_id = filled
    again = runs.create(connection, "generate", {})
    fill(connection, again.id)
    assert apply(connection, again.id, FilterSettings(), Instruments(), Gate()).kept == 3
    report = apply(connection, again.id, FilterSettings(), Instruments(), Gate(), against=[run_id])
    assert (report.kept, report.filters["duplicate"]["drop"]) == (0, 3)


def test_measurements_are_found_by_their_texts(filled: tuple[sqlite3.Connection, str]) -> None:
    connection, _ = filled
    key = measurements.pair_key("a", "b")
    assert key != measurements.pair_key("b", "a")
    measurements.store(connection, "cosine:1", [(key, 0.25), (measurements.pair_key("a", "c"), None)])
    assert measurements.value(connection, "cosine:1", key) == 0.25
    assert measurements.value(connection, "cosine:2", key) is None
    assert not measurements.known(connection, "cosine:2", key)
    assert measurements.known(connection, "cosine:1", measurements.pair_key("a", "c"))


@pytest.mark.parametrize("start", [1, 2])
def test_an_older_workspace_keeps_its_triplets_and_can_be_filtered(tmp_path: Path, start: int) -> None:
    old = sqlite3.connect(tmp_path / "w.db", isolation_level=None)
    old.row_factory = sqlite3.Row
    database.migrate(old, start)
    # What fills the ledger expects the newest schema.
    old.execute("CREATE TEMP TABLE card_mark (run_id TEXT)")
    old.execute("CREATE TEMP TABLE fault (request_id INTEGER PRIMARY KEY, kind, said, text, times, created)")
    run = runs.create(old, "generate", {})
    fill(old, run.id)
    old.close()
    connection = database.connect(tmp_path / "w.db")
    assert positives(connection, run.id) == [texts[1] for texts in TRIPLETS]
    record(connection, run.id, (0, "length", "drop"))
    assert len(positives(connection, run.id)) == 2
