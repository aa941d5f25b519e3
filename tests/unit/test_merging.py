"""Merging workspaces: each thing once, nothing lost, the first answer kept, the last word the last, sources untouched."""

import hashlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from syncse_local.compare.calibration import calibrate
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion
from syncse_local.store import calibrations, database, faults, filtering, ledger, parses, predictions, runs
from syncse_local.store.ledger import Outcome
from syncse_local.store.merging import ledger as merging_ledger
from syncse_local.store.merging.merge import merge
from syncse_local.store.merging.tables import JOINED, LEFT, Merged, points
from tests.unit.eval_runs import evaluated, trained
from tests.unit.merge_setup import CONTENT, Made, content


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blank") / "syncse.db"
    database.connect(path).close()
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target" / "syncse.db"


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging_ledger, "PAGE", 7)


def merged(target: Path, *sources: Made) -> list[Merged]:
    return merge(target, [source.path for source in sources], lambda *_: None)


def verdicts(path: Path, key: str) -> list[str]:
    query = "SELECT verdict FROM decision JOIN request AS r ON r.id = request_id WHERE r.key = ? ORDER BY decision.id"
    return [row[0] for row in database.connect(path).execute(query, (key,))]


def test_every_table_is_joined_or_left_for_a_reason(blank: Path) -> None:
    tables = database.connect(blank).execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    names = {row[0] for row in tables if not row[0].startswith(("sqlite_", "_sqlite_"))}
    by_run = set(points(database.connect(blank)))
    assert {name for name in names if not name.startswith("card_text")} == {*JOINED, *LEFT, *by_run}
    assert {"metric", "score"} <= by_run
    assert set(CONTENT) >= set(JOINED)


def test_shards_become_one_workspace(tmp_path: Path, blank: Path, target: Path) -> None:
    one, two = Made(tmp_path / "one", blank), Made(tmp_path / "two", blank)
    first, second = one.run(range(20), range(20)), two.run(range(20, 30), range(20, 30))
    one.filters(first, [3, 4])
    one.measure("cosine:x", range(9))
    two.measure("cosine:x", range(5, 12))
    before = [hashlib.sha256(made.path.read_bytes()).digest() for made in (one, two)]
    found = merged(target, one, two)
    assert [m.new["request"] for m in found] == [40, 20]
    assert [m.conflicts for m in found] == [0, 0]
    whole = content(target)
    for name in CONTENT:
        both = {*content(one.path)[name], *content(two.path)[name]}
        assert sorted(both, key=repr) == whole[name], name
    connection = database.connect(target)
    assert ledger.counts(connection, first)["triplets"] == 20
    kept = [row["ordinal"] for row in ledger.triplets(connection, [first], filtered=True)]
    assert kept == [2 * n for n in range(20) if n not in (3, 4)]
    assert runs.get(connection, second).state == "done"
    assert [hashlib.sha256(made.path.read_bytes()).digest() for made in (one, two)] == before


def test_faults_come_along_until_somebody_answers(tmp_path: Path, blank: Path, target: Path) -> None:
    one, two = Made(tmp_path / "one", blank), Made(tmp_path / "two", blank)
    name = one.run(range(4), [0], state="running")
    fault = Completion("positive-1", "", "error", error="HTTP 500: boom", fault="HTTP 500")
    ledger.add_answers(one.connection, [ledger.Answered(fault, 1, [])])
    two.run(range(1, 2), [1])
    (first,) = merged(target, one)
    assert first.new["fault"] == 1
    connection = database.connect(target)
    assert [tuple(u) for u in faults.unanswered(connection, name)] == [
        ("HTTP 500", 1, "HTTP 500: boom"),
        ("not asked yet", 5, ""),
    ]
    merged(target, two)
    assert [tuple(u) for u in faults.unanswered(connection, name)] == [("not asked yet", 4, "")]


def test_a_second_merge_brings_nothing(tmp_path: Path, blank: Path, target: Path) -> None:
    one = Made(tmp_path / "one", blank)
    one.filters(one.run(range(20), range(15)), [1])
    one.decide("positive-2", "reject")
    merged(target, one)
    once = content(target)
    (again,) = merged(target, one)
    assert content(target) == once
    assert set(again.new.values()) == {0}
    assert (again.known, again.conflicts) == (40, 0)


def test_a_dry_run_says_the_same_and_changes_nothing(tmp_path: Path, blank: Path, target: Path) -> None:
    one, two = Made(tmp_path / "one", blank), Made(tmp_path / "two", blank)
    one.run(range(10), range(10))
    two.run(range(5, 15), range(5, 15))
    sources = [one.path, two.path]
    dry = merge(target, sources, lambda *_: None, dry_run=True)
    assert not target.exists()
    assert merge(target, sources, lambda *_: None) == dry
    assert [m.known for m in dry] == [0, 10]


def test_another_answer_is_counted_and_the_first_one_stays(tmp_path: Path, blank: Path, target: Path) -> None:
    one, two = Made(tmp_path / "one", blank), Made(tmp_path / "two", blank)
    one.run(range(10), range(10))
    name = two.run(range(8, 12), range(8, 12), said=", differently")
    two.filters(name, [8])
    two.decide("positive-8", "reject")
    found = merged(target, one, two)
    assert (found[1].conflicts, len(found[1].conflicting)) == (4, 4)
    connection = database.connect(target)
    assert ledger.answer_to(connection, "positive-8") == ("Answer to positive-8", "stop")
    assert ledger.answer_to(connection, "positive-11") == ("Answer to positive-11, differently", "stop")
    assert verdicts(target, "positive-8") == ["accept"]
    assert filtering.current(connection, name) is None


def test_what_a_request_lacked_is_filled_in(tmp_path: Path, blank: Path, target: Path) -> None:
    one, two = Made(tmp_path / "one", blank), Made(tmp_path / "two", blank)
    one.run(range(10), [])
    two.run(range(10), range(10))
    found = merged(target, one, two)
    assert (found[1].known, found[1].new["response"], found[1].conflicts) == (20, 20, 0)


def test_a_persons_word_outlives_the_parsers_and_the_later_one_counts(
    tmp_path: Path, blank: Path, target: Path
) -> None:
    one, two = Made(tmp_path / "one", blank), Made(tmp_path / "two", blank)
    one.run(range(3), range(3))
    one.decide("positive-0", "reject")
    one.decide("positive-1", "reject")
    two.run(range(3), range(3))  # the same answers, the parser's word later than the person's
    two.decide("positive-1", "accept")
    merged(target, one, two)
    assert verdicts(target, "positive-0") == ["accept", "reject"]
    assert verdicts(target, "positive-1") == ["accept", "reject", "accept"]
    other = tmp_path / "other" / "syncse.db"
    merged(other, two, one)
    assert verdicts(other, "positive-0") == ["accept", "reject"]
    assert verdicts(other, "positive-1") == ["accept", "reject", "accept"]


def test_a_newer_parse_comes_with_its_decision_and_sets_filters_aside(
    tmp_path: Path, blank: Path, target: Path
) -> None:
    one = Made(tmp_path / "one", blank)
    name = one.run(range(3), range(3))
    one.filters(name, [1])
    merged(target, one)
    assert filtering.current(database.connect(target), name)
    olds = list(parses.older_than(one.connection, name, 2))
    parses.add(one.connection, 2, [(old, [Outcome("", "empty")]) for old in olds[:2]])
    merged(target, one)
    connection = database.connect(target)
    assert filtering.current(connection, name) is None
    assert verdicts(target, olds[0].row.key) == ["accept", "reject"]
    assert ledger.counts(connection, name)["accepted"] == 4


def test_an_open_run_comes_in_as_lost_and_is_done_when_it_has_ended(tmp_path: Path, blank: Path, target: Path) -> None:
    one = Made(tmp_path / "one", blank)
    name = one.run(range(10), range(4), state="running")
    (found,) = merged(target, one)
    assert found.open == [name]
    run = runs.get(database.connect(target), name)
    assert run.state == "lost"
    assert run.error is not None
    assert "at work" in run.error["title"]
    runs.finish(one.connection, name, "done", triplets=10)
    merged(target, one)
    run = runs.get(database.connect(target), name)
    assert (run.state, run.error, run.result) == ("done", None, {"triplets": 10})
    assert content(target)["event"] == content(one.path)["event"]


def test_two_runs_of_one_name_stay_two(tmp_path: Path, blank: Path, target: Path) -> None:
    one, two = Made(tmp_path / "one", blank), Made(tmp_path / "two", blank)
    mine, other = one.run(range(4), range(4)), two.run(range(4, 6), range(4, 6))
    trained = runs.create(two.connection, "train", {"runs": [other]}).id
    two.connection.execute("PRAGMA foreign_keys = OFF")
    for table, column in (("run", "id"), ("plan", "run_id"), ("event", "run_id"), ("metric", "run_id")):
        two.connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (mine, other))
    two.connection.execute("UPDATE run SET options = ? WHERE id = ?", (f'{{"runs": ["{mine}"]}}', trained))
    found = merged(target, one, two)[1]
    assert list(found.renamed) == [mine]
    connection = database.connect(target)
    new = found.renamed[mine]
    assert ledger.counts(connection, mine)["triplets"] == 4
    assert ledger.counts(connection, new)["triplets"] == 2
    assert runs.get(connection, trained).options == {"runs": [new]}
    merged(target, two)
    assert len(runs.recent(connection)) == 3


def test_predictions_and_noise_floors_come_along_under_their_runs_new_names(
    tmp_path: Path, blank: Path, target: Path
) -> None:
    one, two = Made(tmp_path / "one", blank), Made(tmp_path / "two", blank)
    mine = evaluated(one.connection, "mine", {("STSB", "spearman"): 0.5})
    for seed in (1, 2):
        trained(two.connection, f"m{seed}", seed)
    seeds = [evaluated(two.connection, f"m{seed}", {("STSB", "spearman"): 0.6 + seed / 100}) for seed in (1, 2)]
    two.connection.execute("PRAGMA foreign_keys = OFF")
    for table, column in (("run", "id"), ("event", "run_id"), ("score", "run_id"), ("prediction", "run_id")):
        two.connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (mine, seeds[0]))
    study = runs.create(two.connection, "compare", {"arms": [{"name": "a", "runs": [mine, seeds[1]]}]}).id
    calibrate(two.connection, [mine, seeds[1]])
    found = merged(target, one, two)[1]
    new = found.renamed[mine]
    connection = database.connect(target)
    (floor,) = calibrations.listed(connection)
    assert floor["runs"] == [new, seeds[1]]
    assert floor["floors"]["STSB"]["values"] == [0.61, 0.62]
    assert set(predictions.columns(connection, new, "STSB")) == {"gold", "spearman"}
    assert runs.get(connection, study).options == {"arms": [{"name": "a", "runs": [new, seeds[1]]}]}
    assert merged(target, two)[0].new.get("calibration", 0) == 0
    assert len(calibrations.listed(connection)) == 1


@pytest.mark.parametrize("version", range(1, database.LATEST))
def test_a_source_of_an_earlier_schema_is_read_and_left_as_it_is(tmp_path: Path, target: Path, version: int) -> None:
    path = tmp_path / "old" / "syncse.db"
    path.parent.mkdir()
    old = sqlite3.connect(path, isolation_level=None)
    database.migrate(old, version)
    old.execute("INSERT INTO sentence (key, text, source) VALUES ('a', 'b', 'c')")
    old.close()
    before = path.read_bytes()
    (found,) = merge(target, [path], lambda *_: None)
    assert found.new["sentence"] == 1
    assert path.read_bytes() == before


def test_bad_sources_are_refused_before_anything_is_written(tmp_path: Path, blank: Path, target: Path) -> None:
    good = Made(tmp_path / "good", blank)
    good.run(range(3), range(3))
    for name in ("newer", "foreign", "text", "nowhere", "torn", "leading out"):
        path = tmp_path / name / "syncse.db"
        path.parent.mkdir()
        if name == "newer":
            newer = sqlite3.connect(path)
            newer.execute("PRAGMA user_version = 999")
            newer.close()
        elif name == "foreign":
            foreign = sqlite3.connect(path)
            foreign.execute("CREATE TABLE other (x)")
            foreign.close()
        elif name == "text":
            path.write_text("minutes of a meeting " * 400, encoding="utf-8")
        elif name == "leading out":
            outside = Made(path.parent / "w", blank)
            path = outside.path
            runs.create(outside.connection, "generate", {})
            outside.connection.execute("UPDATE run SET id = '../../x'")
        elif name == "torn":
            torn = good.path.read_bytes()
            path.write_bytes(torn[: len(torn) // 2])
        with pytest.raises(SyncseError) as caught:
            merge(target, [good.path, path], lambda *_: None)
        assert caught.value.code == ExitCode.PREFLIGHT, name
        assert content(target)["request"] == []
    with pytest.raises(SyncseError, match="itself"):
        merge(good.path, [good.path], lambda *_: None)


KILLED = """
import os, signal, sys
from pathlib import Path
from syncse_local.store.merging import filters, ledger, merge
ledger.PAGE = filters.PAGE = 7
left = [int(sys.argv[3])]
def count(_):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
opened = merge.open_target
def traced(path):
    connection = opened(path)
    connection.set_trace_callback(count)
    return connection
merge.open_target = traced
merge.merge(Path(sys.argv[1]), [Path(sys.argv[2])], lambda *_: None)
"""


def test_a_merge_that_is_killed_anywhere_is_finished_by_the_next(tmp_path: Path, blank: Path) -> None:
    one = Made(tmp_path / "one", blank)
    name = one.run(range(25), range(20))
    one.filters(name, range(20))
    one.decide("positive-2", "reject")
    one.measure("x", range(30))
    expected = content(one.path)
    killed, statement = 0, 3
    while True:
        target = tmp_path / f"killed-{statement}" / "syncse.db"
        command = [sys.executable, "-c", KILLED, str(target), str(one.path), str(statement)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr
        killed += 1
        half = runs.recent(database.connect(target))
        assert all(run.state == "lost" for run in half) or content(target) == expected
        merged(target, one)
        assert content(target) == expected, statement
        statement += 71
    assert killed > 3
