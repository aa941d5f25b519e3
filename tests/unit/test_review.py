"""Reviews: a person's word comes before the parser's and the filters', can be taken back, and raters are compared."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score

from syncse_local.api import TripletQuery, Workspace
from syncse_local.cli.main import main
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion
from syncse_local.store import filtering, ledger, measurements, runs
from syncse_local.store.filtering import VerdictRow
from syncse_local.store.measurements import pair_key
from syncse_local.synthesis.agreement import kappa, spearman

ROWS = 14


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """One run of ROWS triplets: the second has a rejected positive, the third is dropped by a filter."""
    made = Workspace(tmp_path / "w")
    run = runs.create(made.connection, "generate", {}, "made")
    ledger.add_sentences(made.connection, [(f"s{i}", f"Sentence {i}.", "t") for i in range(ROWS)])
    rows = [
        ledger.Planned(f"{i}-{role}", 2 * i + j, f"s{i}", role, 0, "p", "c", "", 1)
        for i in range(ROWS)
        for j, role in enumerate(("positive", "negative"))
    ]
    ledger.add_plan(made.connection, run.id, rows)
    answers = []
    for row in rows:
        failure = "copy" if row.key == "1-positive" else None
        outcome = ledger.Outcome(f"{row.role} {row.key}", failure)
        answers.append(ledger.Answered(Completion(row.key, "raw", "stop"), 1, [outcome]))
    ledger.add_answers(made.connection, answers)
    filtering.record(made.connection, run.id, {}, "h", {}, ROWS, [VerdictRow(4, "length", 1, "drop", 9.0, "long")])
    return made


def positives(workspace: Workspace, **how: Any) -> list[str]:
    """The positives of the training view."""
    return [row["positive"] for row in workspace.triplets([workspace.runs()[0].id], **how)]


def test_a_persons_word_comes_first_and_can_be_taken_back(workspace: Workspace) -> None:
    run = workspace.runs()[0].id
    before = positives(workspace)
    assert len(before) == ROWS - 2
    workspace.review(run, 2, "accept")
    workspace.review(run, 4, "accept")
    workspace.review(run, 0, "reject")
    workspace.review(run, 6, "edit", "A better positive.", "A better negative.")
    after = positives(workspace)
    assert after[:3] == ["positive 1-positive", "positive 2-positive", "A better positive."]
    assert "positive 0-positive" not in positives(workspace, filtered=False)
    full = {row["ordinal"]: row for row in workspace.triplets([run], accepted_only=False)}
    assert [full[o]["review"] for o in (0, 2, 4, 6, 8)] == ["reject", "accept", "accept", "edit", ""]
    assert full[6]["reviewer"]
    assert full[6]["reviewed"] > 0
    for ordinal in (0, 2, 4, 6):
        workspace.undo_review(run, ordinal)
    assert positives(workspace) == before
    assert len(workspace.connection.execute("SELECT * FROM review").fetchall()) == 8


def test_undo_goes_back_one_step_of_its_own_author(workspace: Workspace) -> None:
    run = workspace.runs()[0].id
    for author, action in (("ana", "reject"), ("ben", "accept"), ("ana", "accept"), ("ana", "reject")):
        workspace.review(run, 0, action, author=author)
    assert workspace.undo_review(run, 0, "ana")["action"] == "reject"
    assert [(r["author"], r["action"]) for r in workspace.reviews(run)] == [
        ("ana", "reject"),
        ("ben", "accept"),
        ("ana", "accept"),
    ]
    workspace.undo_review(run, 0, "ana")
    workspace.undo_review(run, 0, "ana")
    with pytest.raises(SyncseError, match="Nothing to undo") as caught:
        workspace.undo_review(run, 0, "ana")
    assert caught.value.code == ExitCode.NOTHING
    assert [r["author"] for r in workspace.reviews(run)] == ["ben"]


def test_the_index_shows_reviews(workspace: Workspace) -> None:
    run = workspace.runs()[0].id
    workspace.refresh_triplets(run)
    workspace.review(run, 0, "reject")
    workspace.review(run, 6, "edit", "Quite unlike.", "Other words.")
    assert workspace.refresh_triplets(run) == 2
    assert workspace.refresh_triplets(run) == 0
    (entry,) = workspace.triplet_page(TripletQuery(run, search="quite unlike"))
    assert (entry["ordinal"], entry["state"], entry["reason"]) == (6, "accepted", "edited")
    assert [c["ordinal"] for c in workspace.triplet_page(TripletQuery(run, state="rejected"))] == [0, 2]
    workspace.undo_review(run, 6)
    workspace.refresh_triplets(run)
    assert workspace.triplet_count(TripletQuery(run, search="quite unlike")) == 0


@pytest.mark.parametrize(("ordinal", "action"), [(1, "accept"), (99, "accept"), (0, "praise"), (0, "edit")])
def test_what_cannot_be_decided_is_a_usage_error(workspace: Workspace, ordinal: int, action: str) -> None:
    with pytest.raises(SyncseError) as caught:
        workspace.review(workspace.runs()[0].id, ordinal, action)
    assert caught.value.code == ExitCode.USAGE
    assert workspace.reviews(workspace.runs()[0].id) == []


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
def test_kappa_is_scikit_learns(said: list[tuple[bool, bool]]) -> None:
    first, second = [a for a, _ in said], [b for _, b in said]
    ours = kappa(first, second)
    if ours is None:
        assert len({*first, *second}) == 1
    else:
        assert ours == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=60))
def test_spearman_is_scipys(said: list[tuple[int, int]]) -> None:
    first, second = [float(a) for a, _ in said], [float(b) for _, b in said]
    ours = spearman(first, second)
    if ours is None:
        assert 1 in (len(set(first)), len(set(second)))
    else:
        assert ours == pytest.approx(spearmanr(first, second).statistic, abs=1e-9)


def test_persons_are_compared_with_each_other_and_with_the_judge(workspace: Workspace) -> None:
    run = workspace.runs()[0].id
    for i in range(ROWS):
        workspace.review(run, 2 * i, "accept" if i % 2 else "reject", author="ana")
        if i < 5:
            workspace.review(run, 2 * i, "accept", author="ben")
        texts = [f"{role} {i}-{role}" for role in ("positive", "negative")]
        scores = (5.0, 0.0) if i % 2 or i == 0 else (1.0, 4.0)
        keys = [pair_key(f"Sentence {i}.", text) for text in texts]
        measurements.store(workspace.connection, "judge:one", zip(keys, scores, strict=True))
    people, ana, ben = workspace.agreement(run)
    assert (people["first"], people["second"], people["triplets"], people["kappa"]) == ("ana", "ben", 5, None)
    assert not people["enough"]
    assert (ana["second"], ana["triplets"], ana["agree"]) == ("judge:one", ROWS, ROWS - 1)
    assert 0.8 < ana["kappa"] < 1
    assert 0.8 < ana["spearman"] < 1
    assert ben["kappa"] is None


def _cli(workspace: Workspace, *words: str) -> int:
    return main(["review", "-w", str(workspace.directory), *words])


def test_the_sample_asks_line_by_line(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = workspace.runs()[0].id
    monkeypatch.setattr("sys.stdin", io.StringIO("a\nr\nu\nr\ne\nNew positive.\n\ns\nx\na\n"))
    assert _cli(workspace, run, "--sample", "8", "--author", "ana", "--json") == 0
    assert json.loads(capsys.readouterr().out)["decided"] == 4
    found = workspace.reviews(run)
    assert sorted(r["action"] for r in found) == ["accept", "accept", "edit", "reject"]
    (edited,) = (r for r in found if r["action"] == "edit")
    assert edited["edited_positive"] == "New positive."
    assert edited["edited_negative"] == edited["negative"]


def test_the_command_line_decides_lists_and_takes_back(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    run = workspace.runs()[0].id
    assert _cli(workspace, run) == ExitCode.NOTHING
    assert _cli(workspace, run, "--edit", "0", "--positive", "P.", "--negative", "N.", "--note", "mine") == 0
    capsys.readouterr()
    assert _cli(workspace, run, "--list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["note"] == "mine"
    assert _cli(workspace, run, "--undo", "0") == 0
    assert _cli(workspace, run, "--undo", "0") == ExitCode.NOTHING
    assert _cli(workspace, run, "--accept", "1") == ExitCode.USAGE
    assert _cli(workspace, run, "--agreement") == ExitCode.NOTHING
