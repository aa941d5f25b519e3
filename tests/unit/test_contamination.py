"""The contamination gate: evaluation sentences are found whole or by eight words, and nothing else is."""

import json
from pathlib import Path

import pytest

from syncse_local.config import Settings
from syncse_local.evaluation.tasks import TASKS
from syncse_local.paths import starter_sts
from syncse_local.synthesis.contamination import Gate, Match, contaminated

LONG = "A woman in a red coat carries two heavy bags up the stairs."


@pytest.fixture(scope="module")
def gate() -> Gate:
    made = Gate()
    made.add("STSB", [LONG, "A dog barks.", "!!!"])
    return made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LONG, "exact"),
        ("  a WOMAN in a red coat, carries two heavy bags up the stairs!", "exact"),
        ("Yesterday a woman in a red coat carries three of them.", None),
        ("I saw that a woman in a red coat carries two bags.", "8-gram"),
        ("A dog barks!", "exact"),
        ("A dog barks at a woman in a coat.", None),
        ("A red woman carries two heavy coats in a bag up the stairs.", None),
        ("???", None),
        ("", None),
        ("\ud800 \x00", None),
    ],
)
def test_matches(gate: Gate, text: str, found: str | None) -> None:
    match = gate.match(text)
    assert (match and match.kind) == found
    assert match is None or match.task == "STSB"


def test_the_first_match_of_a_triplet(gate: Gate) -> None:
    assert gate.first_match(["clean", "A dog barks.", LONG]) == Match("exact", "STSB")
    assert gate.first_match(["clean", "also clean"]) is None


def test_the_starter_sets_are_always_checked() -> None:
    gate = Gate.load()
    assert set(gate.checked) == {name for name, task in TASKS.items() if task.source == "starter"}
    for file in ("pairs.tsv", "dev.tsv"):
        for line in starter_sts().with_name(file).read_text(encoding="utf-8").splitlines()[1:]:
            assert gate.first_match(line.split("\t")[2:4]), line
            assert all(map(gate.match, line.split("\t")[2:4]))


def test_senteval_sets_are_checked_where_their_files_are(tmp_path: Path) -> None:
    folder = tmp_path / "downstream" / "STS" / "STSBenchmark"
    folder.mkdir(parents=True)
    row = "main-captions\tMSRvid\t2012\t1\t5.0\tThree geese cross a frozen pond.\tA plane is taking off."
    (folder / "sts-test.csv").write_text(row + "\n", encoding="utf-8")
    (folder / "sts-dev.csv").write_text("no table\n", encoding="utf-8")
    gate = Gate.load(tmp_path)
    assert gate.match("Three geese cross a frozen pond") == Match("exact", "STSB")
    assert "STSB" in gate.checked
    assert list(gate.unread) == ["STSB-dev"]
    rows = [
        {"sentence": "x", "positive": "y", "negative": "z"},
        {"sentence": "x", "positive": "Three geese cross a frozen pond!", "negative": "z"},
    ]
    assert contaminated(rows, Settings(senteval=str(tmp_path))) == 1
    assert contaminated(rows, Settings()) == 0


def test_transfer_and_reranking_sets_are_checked_where_their_files_are(tmp_path: Path) -> None:
    senteval, reranking = tmp_path / "senteval", tmp_path / "reranking"
    folder = senteval / "downstream" / "CR"
    folder.mkdir(parents=True)
    (folder / "custrev.pos").write_text("the zoom of this camera is superb\n", encoding="utf-8")
    (folder / "custrev.neg").write_text("the battery died after nine days\n", encoding="utf-8")
    reranking.mkdir()
    row = {"query": "how do I mount a disk", "positive": ["mounting a second disk"], "negative": ["sound is gone"]}
    (reranking / "own.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (reranking / "torn.jsonl").write_text("{\n", encoding="utf-8")
    gate = Gate.load(senteval, reranking)
    assert gate.match("The zoom of this camera is superb!") == Match("exact", "CR")
    assert gate.match("Mounting a second disk.") == Match("exact", "own.jsonl")
    assert gate.match("sound is gone") == Match("exact", "own.jsonl")
    assert {"CR", "own.jsonl"} <= set(gate.checked)
    assert list(gate.unread) == ["torn.jsonl"]
    assert gate.digest != Gate.load(senteval).digest == Gate.load(senteval).digest
    named = Settings(senteval=str(senteval), reranking=str(reranking))
    assert Gate.of(named).digest == gate.digest


def test_every_family_on_disk_is_checked(data_dir: Path) -> None:
    gate = Gate.load(data_dir / "senteval", data_dir / "reranking")
    assert {"STSB", "MR", "CR", "MPQA", "SST2", "MRPC"} <= set(gate.checked)
    assert any(name.endswith(".jsonl") for name in gate.checked)
    assert not gate.unread
