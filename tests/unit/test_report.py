"""The survey of a run: who a triplet counts for, what it cost, and which texts stand in a sample. Tables and charts of it."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from syncse_local.charts.bars import Bars, Series
from syncse_local.cli.output import table
from syncse_local.jobs.job import Job
from syncse_local.jobs.progress import StoreReporter
from syncse_local.records import Completion
from syncse_local.store import filtering, ledger, request_stats, runs
from syncse_local.store.database import connect
from syncse_local.store.filtering import VerdictRow
from syncse_local.store.ledger import Answered, Outcome, Planned
from syncse_local.synthesis.contamination import Gate
from syncse_local.synthesis.report import job, tables
from syncse_local.synthesis.report import survey as surveying
from syncse_local.synthesis.report.figures import charts
from syncse_local.synthesis.report.groups import MOST, Name, asked, followed
from syncse_local.synthesis.report.job import measures
from syncse_local.synthesis.report.survey import Survey, survey
from syncse_local.synthesis.report.tally import length_labels, overlap_labels
from syncse_local.text.clean import sentence_key

SENTENCES = ("the red dog runs home", "a cat sleeps all day", "two men play chess outside")
POSITIVES = ("the red dog runs", "a cat is asleep", "chess is played outside")
NEGATIVES = ("the red dog runs away", "a cat runs all day", "two men play football")


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "syncse.db")


def planned(ordinal: int, role: str, key: str = "", prompt: str = "p", **more: str) -> Planned:
    return Planned(f"{role}{ordinal}", ordinal, key, role, 0, prompt, f"{role}/{prompt}/0", "", 1, **more)


def answered(row: Planned, *texts: str, failure: str | None = None) -> Answered:
    done = Completion(row.key, "\n".join(texts), "stop", 100, 60, 10, 2.0)
    return Answered(done, 1, [Outcome(text, failure, place) for place, text in enumerate(texts)])


@pytest.fixture
def run_id(connection: sqlite3.Connection) -> str:
    """A scratch run of three sentences: the third one's positive is rejected, the second triplet's positive is by prompt q."""
    run = runs.create(connection, "generate", {"recipe": {"name": "made"}}, "made")
    asked = [
        planned(0, "sentence", genre="news", topics='["pets", "sport"]'),
        planned(1, "sentence", genre="fiction", topics='["pets"]'),
    ]
    keys = [sentence_key(text) for text in SENTENCES]
    ledger.add_sentences(connection, [(key, text, "scratch") for key, text in zip(keys, SENTENCES, strict=True)])
    pairs = [
        planned(2 * i + (role == "negative"), role, key, "q" if (role, i) == ("positive", 1) else "p")
        for i, key in enumerate(keys)
        for role in ("positive", "negative")
    ]
    ledger.add_plan(connection, run.id, asked)
    ledger.add_plan(connection, run.id, pairs)
    ledger.add_answers(connection, [answered(asked[0], *SENTENCES[:2]), answered(asked[1], SENTENCES[2])])
    told = {"positive": POSITIVES, "negative": NEGATIVES}
    rejected = {"positive4": "copy"}
    ledger.add_answers(
        connection,
        [answered(row, told[row.role][row.ordinal // 2], failure=rejected.get(row.key)) for row in pairs],
    )
    return run.id


def looked_at(connection: sqlite3.Connection, run_id: str, gate: Gate | None = None, filtered: bool = True) -> Survey:
    return survey(connection, run_id, gate or Gate(), filtered, 100, 1, lambda _: None)


def test_a_triplet_counts_for_its_prompts_draws_and_subject(connection: sqlite3.Connection, run_id: str) -> None:
    found = looked_at(connection, run_id)
    texts = {name: group.sample.texts(9) for name, group in found.groups.items()}
    assert found.tally.triplets == 2
    assert sorted(texts[Name("field", "positive", "positive")]) == sorted(POSITIVES[:2])
    assert texts[Name("prompt", "positive", "p")] == [POSITIVES[0]]
    assert texts[Name("draw", "positive", "positive/q/0")] == [POSITIVES[1]]
    assert sorted(texts[Name("prompt", "negative", "p")]) == sorted(NEGATIVES[:2])
    assert sorted(texts[Name("genre", "sentence", "news")]) == sorted(SENTENCES[:2])
    assert texts[Name("genre", "sentence", "fiction")] == []
    assert sorted(texts[Name("topic", "sentence", "pets")]) == sorted(SENTENCES[:2])
    copies = found.groups[Name("prompt", "positive", "p")].spent
    assert (copies.answered, copies.accepted, copies.failures) == (2, 1, {"copy": 1})


def test_overlaps_and_histograms(connection: sqlite3.Connection, run_id: str) -> None:
    head = looked_at(connection, run_id).head()
    # sentence 1: 4 of 5 words, and 4 of 6; sentence 2: 2 of 7, and 4 of 6
    assert head["positive_overlap"] == pytest.approx((4 / 5 + 2 / 7) / 2, abs=1e-6)
    assert head["negative_overlap"] == pytest.approx((4 / 6 + 4 / 6) / 2, abs=1e-6)
    assert (head["negative_nearer"], head["ties"]) == (0.5, 0.0)
    assert head["words"] == {"sentence": 5.0, "positive": 4.0, "negative": 5.0}
    assert head["histograms"]["words"]["positive"] == [2] + [0] * (len(length_labels()) - 1)
    assert head["histograms"]["words"]["sentence"][1] == 2
    assert head["histograms"]["overlap"]["positive"][2] == head["histograms"]["overlap"]["positive"][8] == 1
    assert len(overlap_labels()) == len(head["histograms"]["overlap"]["negative"]) == 10


def test_costs_are_shared_by_time_in_flight(connection: sqlite3.Connection, run_id: str) -> None:
    with connection:
        connection.execute("UPDATE response SET created = 1010 + request_id % 2")
        for at, state in ((1000, "running"), (1005, "failed"), (1005.5, "running"), (5000, "done")):
            connection.execute(
                "INSERT INTO event (run_id, time, kind, data) VALUES (?, ?, 'state', json_object('state', ?))",
                (run_id, at, state),
            )
    assert request_stats.busy_seconds(connection, run_id) == pytest.approx(1011 - 1005.5)
    found = looked_at(connection, run_id)
    head = found.head()
    assert (head["planned"], head["answered"], head["accepted"], head["failures"]) == (8, 8, 7, {"copy": 1})
    assert head["output_tokens_per_triplet"] == 8 * 10 / 2
    assert head["tokens_per_triplet"] == 8 * (100 - 60 + 10) / 2
    assert head["seconds_per_triplet"] == pytest.approx(5.5 / 2)
    spent = found.costs(found.groups[Name("prompt", "positive", "q")].spent, 1)
    assert spent["seconds_per_triplet"] == pytest.approx(5.5 / 8, abs=1e-5)


def test_a_run_that_never_said_when_it_ran_has_no_seconds(connection: sqlite3.Connection, run_id: str) -> None:
    assert request_stats.busy_seconds(connection, run_id) is None
    assert looked_at(connection, run_id).head()["seconds_per_triplet"] is None


def test_evaluation_sentences_are_counted(connection: sqlite3.Connection, run_id: str) -> None:
    gate = Gate()
    gate.add("stsb", ["A cat is asleep!"])
    assert looked_at(connection, run_id, gate).contaminated == 1
    assert looked_at(connection, run_id).contaminated == 0
    filtering.record(
        connection, run_id, {}, "h", {}, 2, [VerdictRow(0, "contamination", 1, "flag", 0.99, "evaluation")]
    )
    assert looked_at(connection, run_id).contaminated == 1
    assert looked_at(connection, run_id, gate).contaminated == 2


def test_filters_decide_what_is_looked_at(connection: sqlite3.Connection, run_id: str) -> None:
    said = [VerdictRow(0, "lexical", 1, "drop", 0.5, "copy"), VerdictRow(2, "judge", 1, "swap", 1.0, "judged")]
    filtering.record(connection, run_id, {}, "h", {}, 2, said)
    found = looked_at(connection, run_id)
    assert found.tally.triplets == 1
    texts = {name: group.sample.texts(9) for name, group in found.groups.items()}
    assert texts[Name("field", "positive", "positive")] == [NEGATIVES[1]]
    assert texts[Name("prompt", "positive", "q")] == [POSITIVES[1]], "a prompt's texts are those it asked for"
    assert looked_at(connection, run_id, filtered=False).tally.triplets == 2


def test_reasoning_is_counted_apart(connection: sqlite3.Connection, run_id: str) -> None:
    row = planned(90, "positive")
    ledger.add_plan(connection, run_id, [row])
    text = "<think>" + "x" * 36 + "</think>" + "y" * 17
    ledger.add_answers(
        connection, [Answered(Completion(row.key, text, "stop", 5, 0, 40, 1.0), 1, [Outcome("y", None)])]
    )
    total, _ = asked(request_stats.groups(connection, run_id))
    assert total.reasoning_tokens == 30, "three quarters of the letters"
    assert total.output_tokens >= 40


def test_only_the_most_frequent_groups_are_followed(connection: sqlite3.Connection, run_id: str) -> None:
    rows = [
        request_stats.RequestGroup(
            "positive", "p", f"positive/p/{i:03}", "", (), "", 1 + i, 1 + i, 1 + i, 1, 0, 1, 0, 1.0
        )
        for i in range(MOST + 5)
    ]
    _, found = asked(rows)
    draws = [name.name for name in followed(found, 10) if name.kind == "draw"]
    assert len(draws) == MOST
    assert draws[0] == f"positive/p/{MOST + 4:03}"
    assert "positive/p/004" not in draws


def test_measures_of_few_texts_are_told_as_far_as_they_can_be() -> None:
    assert measures([], {}) == {
        "sampled": 0, "vendi": None, "mean_cosine": None, "distinct_1": None, "distinct_2": None,
        "compression_ratio": None, "self_bleu": None,
    }  # fmt: skip


def test_others_may_write_while_the_triplets_are_read(
    connection: sqlite3.Connection, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = connect(tmp_path / "syncse.db")
    options = {"runs": [run_id], "encoder": "", "filtered": True, "sample": 20, "seed": 1}
    run = runs.create(connection, "report", options)

    class Busy(StoreReporter):
        def progress(self, done: int, total: int, **data: object) -> None:
            runs.add_event(other, run.id, "other", {})
            super().progress(done, total, **data)
            self.flush()

    monkeypatch.setattr(surveying, "STEP", 1)
    found = job.run(Job(run, connection, Busy(connection, run.id), tmp_path, tmp_path))
    assert found["runs"][0]["triplets"] == 2
    assert sum(event["kind"] == "other" for event in runs.events(other, run.id)) > 2


def test_tables_and_charts_of_hostile_names(connection: sqlite3.Connection, run_id: str) -> None:
    found = looked_at(connection, run_id)
    named: dict[str, Any] = {"run": run_id, "recipe": "evil\x1b[31m<b>", **found.head()}
    groups: dict[str, list[dict[str, Any]]] = {"field": [], "prompt": [], "draw": [], "genre": [], "topic": []}
    for name, group in found.groups.items():
        costs = found.costs(group.spent, group.tally.triplets)
        tally = {**group.tally.to_dict(), "words": 4.0}
        shown = {"answered": group.spent.answered, "acceptance": group.spent.acceptance, **costs, **tally}
        groups[name.kind].append({"role": name.role, "name": f"{name.name}\u202e", **shown, **measures(["a b"], {})})
    report = {
        "runs": [{**named, "groups": groups}], "sampled": {"field": 1}, "seed": 1, "filtered": True, "encoder": "",
        "evaluation_sets": [], "unread_sets": {"stsb": "no file"},
    }  # fmt: skip
    for kind in tables.LISTED:
        header, rows = tables.groups(report, kind, 3)
        assert all(len(row) == len(header) for row in rows)
        assert "\u202e" not in table(header, rows)
        assert list(charts(report, kind))
    for header, rows in (tables.overview(report), tables.texts(report), tables.failures(report)):
        assert all(len(row) == len(header) for row in rows)
        assert "\x1b" not in table(header, rows)
    said = list(tables.remarks(report, "draw", 1))
    assert any("more draws are not shown" in line for line in said)
    assert any("0 of 2 triplets match an evaluation set (none)" in line for line in said)
    assert said[-1] == "Not checked against stsb: no file"


@pytest.mark.parametrize("values", [(1.0, 2.0), (-1.0,), (float("nan"),), (float("inf"),)])
def test_a_chart_refuses_what_it_cannot_draw(values: tuple[float, ...]) -> None:
    with pytest.raises(ValueError):
        Bars("t", ("a",), (Series("s", values),))
