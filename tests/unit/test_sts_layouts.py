"""STS sets in other layouts than SentEval's, and what is said of files that are not the published ones."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from syncse_local.errors import SyncseError
from syncse_local.evaluation import official
from syncse_local.evaluation.base import TaskData
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.sts import StsData
from syncse_local.evaluation.tasks import TASKS
from syncse_local.records import ScoredPair

PAIRS = [ScoredPair("A dog runs.", "A dog walks.", 3.5), ScoredPair("It rains.", "The sun shines.", 0.0)]


def read(name: str, root: Path) -> StsData:
    (data,), missing = read_tasks([name], root)
    assert not missing
    assert isinstance(data, StsData)
    return data


def raw_year(folder: Path, name: str, prefix: str = "STS.", extra: str = "") -> None:
    folder.mkdir(parents=True)
    for subset in TASKS[name].subsets:
        text = "".join(f"{pair.first}\t{pair.second}{extra}\n" for pair in PAIRS)
        (folder / f"{prefix}input.{subset}.txt").write_text(text + "No gold\there" + extra)
        (folder / f"{prefix}gs.{subset}.txt").write_text("".join(f"{pair.gold}\n" for pair in PAIRS) + "\n")


@pytest.mark.parametrize(
    ("name", "folder", "prefix"),
    [
        ("STS12", "test-gold", "STS."),
        ("STS12", "STS/STS2012-en-test/test-gold", "STS."),
        ("STS13", "STS2013-en-test/test-gs", "STS."),
        ("STS14", "sts-en-test-gs-2014", "STS."),
        ("STS15", "downstream/STS/test_evaluation_task2a", "STS."),
        ("STS16", "sts2016-english-with-gs-v1.0", "STS2016."),
        ("STS16", "STS2016-en-test", "STS2016."),
    ],
)
def test_semevals_releases_are_found_under_their_archives_names(
    name: str, folder: str, prefix: str, tmp_path: Path
) -> None:
    raw_year(tmp_path / folder, name, prefix, "\tsource\turl")
    data = read(name, tmp_path)
    subsets = TASKS[name].subsets
    assert data.subsets == dict.fromkeys(subsets, PAIRS)
    assert data.skipped == len(subsets)
    assert any("SemEval's own release" in note and folder.split("/")[-1] in note for note in data.notes)
    assert any("extra columns" in note for note in data.notes)


def test_sentevals_layout_comes_before_a_release_beside_it(tmp_path: Path) -> None:
    raw_year(tmp_path / "STS" / "STS12-en-test", "STS12")
    raw_year(tmp_path / "test-gold", "STS12")
    assert not any("own release" in note for note in read("STS12", tmp_path).notes)


@pytest.mark.parametrize(("name", "split"), [("STSB", "test"), ("STSB-dev", "dev")])
def test_the_benchmarks_release(name: str, split: str, tmp_path: Path) -> None:
    (tmp_path / "stsbenchmark").mkdir()
    rows = "".join(f"news\tf\t2012\t1\t{p.gold}\t{p.first}\t{p.second}\n" for p in PAIRS)
    (tmp_path / "stsbenchmark" / f"sts-{split}.csv").write_text(rows)
    assert read(name, tmp_path).pairs() == PAIRS


def test_the_whole_of_sick_is_read_by_its_split_column(tmp_path: Path) -> None:
    rows = ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tSemEval_set", "1\ta\tb\t1.5\tTRAIN"]
    rows += ["2\tc\td\t2.5\tTEST", "3\te\tf\t3.5\tTRIAL"]
    (tmp_path / "SICK.txt").write_text("\n".join(rows))
    assert read("SICKR", tmp_path).pairs() == [ScoredPair("c", "d", 2.5)]
    assert read("SICKR-dev", tmp_path).pairs() == [ScoredPair("e", "f", 3.5)]


ROWS: list[dict[str, Any]] = [
    *({"sentence1": p.first, "sentence2": p.second, "score": p.gold, "genre": "x"} for p in PAIRS),
    {"sentence1": "No", "sentence2": "gold", "score": None, "genre": "x"},
]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("STS12", "sts12-sts/test.jsonl.gz"),
        ("STS16", "mteb/STS16/test.jsonl"),
        ("STSB", "stsbenchmark-sts/data/test-00000-of-00001.parquet"),
        ("STSB-dev", "stsbenchmark-sts/validation.jsonl.gz"),
        ("SICKR", "sickr-sts/test.jsonl"),
        ("STS13", "STS13.parquet"),
    ],
)
def test_mtebs_copies_on_disk(name: str, file: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    data = read(name, tmp_path)
    assert (data.pairs(), data.skipped) == (PAIRS, 1)
    assert any("MTEB's copy" in note for note in data.notes)
    assert data.provenance[0]["official"] is None


def test_a_dev_task_never_takes_mtebs_test_split(tmp_path: Path) -> None:
    (tmp_path / "stsbenchmark-sts").mkdir()
    (tmp_path / "stsbenchmark-sts" / "test.jsonl").write_text(json.dumps(ROWS[0]))
    (tmp_path / "STSBenchmark.jsonl").write_text(json.dumps(ROWS[0]))
    found, missing = read_tasks(["STSB-dev"], tmp_path)
    assert (found, [absent.task for absent in missing]) == ([], ["STSB-dev"])


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"sentence1": "a", "score": 1}, "line 1: has no column sentence2"),
        ({"sentence1": "a", "sentence2": "b", "score": 9}, "line 1: the gold score 9 lies outside 0 to 5"),
        ({"sentence1": "a", "sentence2": 1.5, "score": 1}, "line 1: sentence2 is not a text"),
        ({"sentence1": "a", "sentence2": " ", "score": 1}, "line 1: a sentence is empty"),
        ({"sentence1": "a", "sentence2": "b"}, "line 1: has no column score"),
    ],
)
def test_faulty_rows_are_refused_by_file_and_line(row: dict[str, Any], says: str, tmp_path: Path) -> None:
    (tmp_path / "STS12.jsonl").write_text(json.dumps(row))
    with pytest.raises(SyncseError, match=says):
        read_tasks(["STS12"], tmp_path)


def official_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An STS12 whose files are made the official ones."""
    folder = tmp_path / "STS" / "STS12-en-test"
    raw_year(folder, "STS12")
    sums = {f"STS/STS12-en-test/{f.name}": hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.iterdir()}
    monkeypatch.setattr(official, "official_sums", lambda: sums)
    return folder


def test_a_file_with_another_sum_is_named_with_both_and_the_task_is_not_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = official_set(tmp_path, monkeypatch)
    before = read("STS12", tmp_path)
    assert not any("not SentEval's file" in note for note in before.notes)
    assert all(file["official"] for file in before.provenance)
    (folder / "STS.gs.MSRpar.txt").write_text("3.6\n0.0\n\n")
    after = read("STS12", tmp_path)
    (note,) = (note for note in after.notes if "not SentEval's file" in note)
    digest = hashlib.sha256(b"3.6\n0.0\n\n").hexdigest()
    assert "STS.gs.MSRpar.txt" in note
    assert digest[:12] in note
    assert [file["file"] for file in after.provenance if not file["official"]] == ["STS.gs.MSRpar.txt"]
    assert not after.complete


def test_the_published_files_have_the_published_sums(data_dir: Path) -> None:
    known = official.official_sums()
    assert len(known) >= 40
    found, _ = read_tasks([task.name for task in TASKS.values() if task.source == "senteval"], data_dir / "senteval")
    assert found
    for data in found:
        assert (data.notes, data.complete) == ([], True), data.name
        assert all(file["official"] for file in data.provenance), data.name


def two_languages(first: str) -> TaskData:
    return StsData(name="STSB", subsets={"STSB": [ScoredPair(first, first, 1.0)] * 40})


@pytest.mark.parametrize(
    ("sentence", "says"),
    [
        ("the dog is at the door of the house and it was there", None),
        ("el perro está en la puerta de la casa y también los gatos", "read like language 'es'"),
        ("собака стоит у двери дома", "100 % of the letters here are of another script"),
        ("ok", None),
    ],
)
def test_another_language_is_said(sentence: str, says: str | None) -> None:
    data = two_languages(sentence)
    official.check(TASKS["STSB"], data)
    assert any(says in note for note in data.notes) if says else not any("English" in note for note in data.notes)
