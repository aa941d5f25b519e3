"""Pages of triplets: whatever is asked, they are what a plain filter and sort of all rows gives, and any text is a search."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncse_local.api import BY_PERSONS, TripletQuery, Workspace
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion
from syncse_local.store import filtering, ledger, runs, triplet_index
from syncse_local.store.filtering import VerdictRow

WORDS = ("the", "cat", "café", "don't", "北京", "dog*", '"quoted"', "a\x1b[31mb", "OR", "NEAR(", "🐦", "-x")
ROWS = 60


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Two runs of ROWS triplets each, some rejected, some dropped, with odd words."""
    made = Workspace(tmp_path_factory.mktemp("entries"))
    for number in range(2):
        run = runs.create(made.connection, "generate", {}, f"run {number}")
        texts = [f"{WORDS[i % len(WORDS)]} {WORDS[i // 5 % len(WORDS)]} s{number}x{i}" for i in range(ROWS)]
        ledger.add_sentences(made.connection, [(f"{number}:{i}", text, "t") for i, text in enumerate(texts)])
        rows = [
            ledger.Planned(f"{number}-{i}-{role}", 2 * i + j, f"{number}:{i}", role, 0, f"p{i % 3}", "c", "", 1)
            for i in range(ROWS)
            for j, role in enumerate(("positive", "negative"))
        ]
        ledger.add_plan(made.connection, run.id, rows)
        for row in rows:
            failure = {7: "copy", 11: "loop"}.get(row.ordinal % 13)
            text = texts[row.ordinal // 2] * (1 + row.ordinal % 3)
            done = Completion(row.key, "raw", "stop")
            ledger.add_answers(made.connection, [ledger.Answered(done, 1, [ledger.Outcome(text, failure)])])
        for ordinal in range(0, 2 * ROWS, 14):
            made.review(run.id, ordinal, ("accept", "reject", "edit")[ordinal % 3], "new positive", "new negative")
        dropped = [VerdictRow(o, "length", 1, "drop", 1.0, "long") for o in range(0, 2 * ROWS, 10)]
        filtering.record(made.connection, run.id, {}, "h", {}, ROWS, dropped)
        made.refresh_triplets(run.id)
    yield made
    made.close()


def everything(workspace: Workspace, run: str) -> list[dict[str, Any]]:
    """All entries of a run, by place."""
    return [dict(row) for row in workspace.connection.execute("SELECT * FROM card WHERE run_id = ?", (run,))]


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 1),
    st.sampled_from(["", *triplet_index.STATES]),
    st.sampled_from(["", "copy", "loop", "length", "none such"]),
    st.sampled_from(["", "p0", "p1"]),
    st.sampled_from(triplet_index.SORTS),
    st.booleans(),
    st.integers(0, 70),
    st.sampled_from(["", "yes", "no"]),
    st.integers(1, 30),
)
def test_a_page_is_what_a_plain_filter_gives(
    workspace: Workspace,
    number: int,
    state: str,
    reason: str,
    prompt: str,
    sort: str,
    falling: bool,
    start: int,
    reviewed: str,
    stretch: int,
) -> None:
    run = workspace.runs()[number].id
    wanted = [
        entry
        for entry in everything(workspace, run)
        if entry["state"] == (state or entry["state"])
        and entry["reason"] == (reason or entry["reason"])
        and entry["prompt"] == (prompt or entry["prompt"])
        and {"": True, "yes": entry["reason"] in BY_PERSONS, "no": entry["reason"] not in BY_PERSONS}[reviewed]
    ]
    by = "id" if (sort, reviewed) == ("plan", "no") else "ordinal" if sort == "plan" else sort
    wanted.sort(key=lambda entry: (entry[by], entry["ordinal"]), reverse=falling)
    query = TripletQuery(run, state, reason, prompt, sort=sort, falling=falling, reviewed=reviewed)
    outline = triplet_index.outline(workspace.connection, query, stretch)
    assert workspace.triplet_count(query) == outline.total == len(wanted)
    page = workspace.triplet_page(query, start, 20)
    assert [entry["ordinal"] for entry in page] == [entry["ordinal"] for entry in wanted[start : start + 20]]
    assert workspace.triplet_page(query, start, 20, outline) == page
    for place, entry in enumerate(wanted[start : start + 3], start):
        assert workspace.triplet_place(query, entry["ordinal"]) == place


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)))
def test_any_text_is_a_search(workspace: Workspace, text: str) -> None:
    run = workspace.runs()[0].id
    query = TripletQuery(run, search=text)
    found = workspace.triplet_page(query, 0, 1000)
    assert len(found) == workspace.triplet_count(query) <= ROWS
    known = triplet_index.outline(workspace.connection, query, 3)
    assert workspace.triplet_page(query, 5, 1000, known) == found[5:]
    assert {entry["run_id"] for entry in found} <= {run}
    assert [workspace.triplet_place(query, entry["ordinal"]) for entry in found[:5]] == list(range(len(found[:5])))


@pytest.mark.parametrize(("text", "least"), [("cafe", 5), ("CAT the", 1), ("s1x3*", 1), ("北京", 5), ("quoted", 5)])
def test_words_are_found_in_any_case_and_without_accents(workspace: Workspace, text: str, least: int) -> None:
    found = [entry for run in workspace.runs() for entry in workspace.triplet_page(TripletQuery(run.id, search=text))]
    assert len(found) >= least


def test_entries_are_the_triplets_of_the_ledger(workspace: Workspace) -> None:
    for run in workspace.runs():
        rows = {row["ordinal"]: row for row in workspace.triplets([run.id], accepted_only=False)}
        made = everything(workspace, run.id)
        assert len(made) == len(rows) == ROWS
        for entry in made:
            row = rows[entry["ordinal"]]
            assert (entry["sentence"], entry["positive"]) == (row["sentence"], row["positive"])
            if entry["reason"] not in BY_PERSONS:
                assert (entry["state"] == "accepted") == (bool(row["accepted"]) and not row["dropped_by"])
        assert sum(count for *_, count in workspace.triplet_reasons(run.id)) == ROWS
        assert workspace.triplet_prompts(run.id) == [("p0", 20), ("p1", 20), ("p2", 20)]
        assert workspace.refresh_triplets(run.id) == 0


def test_filters_anew_change_the_entries(workspace: Workspace) -> None:
    run = workspace.runs()[1].id
    before = workspace.triplet_count(TripletQuery(run, state="dropped"))
    filtering.record(workspace.connection, run, {}, "other", {}, ROWS, [VerdictRow(2, "language", 1, "drop", 1.0, "x")])
    workspace.refresh_triplets(run)
    dropped = workspace.triplet_page(TripletQuery(run, state="dropped"))
    assert before > 1
    assert [(entry["ordinal"], entry["reason"]) for entry in dropped] == [(2, "language")]


@pytest.mark.parametrize("wrong", [{"sort": "size"}, {"state": "odd"}, {"reviewed": "maybe"}])
def test_unknown_sorts_and_states_are_usage_errors(wrong: dict[str, Any]) -> None:
    with pytest.raises(SyncseError) as caught:
        TripletQuery("r", **wrong)
    assert caught.value.code == ExitCode.USAGE
