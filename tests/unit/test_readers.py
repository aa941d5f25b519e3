"""Task files as they come, and as they come broken: each fault is one error that names the file and the line."""

import subprocess
import sys
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.evaluation.base import Missing
from syncse_local.evaluation.readers import read_tasks
from syncse_local.evaluation.sts import StsData
from syncse_local.evaluation.sts_files import read_sick, read_starter, read_sts_year, read_stsb
from syncse_local.evaluation.tasks import DEV, SEVEN, TASKS, resolve
from syncse_local.records import ScoredPair

STS13 = TASKS["STS13"]
SUBSETS = STS13.subsets


def year(root: Path, subset: str, inputs: str | bytes, gold: str | bytes) -> Path:
    """One subset's two files under SentEval's layout; returns the year's directory."""
    directory = root / "downstream" / "STS" / "STS13-en-test"
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in ((f"STS.input.{subset}.txt", inputs), (f"STS.gs.{subset}.txt", gold)):
        (directory / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return directory


def file(root: Path, content: str | bytes) -> Path:
    path = root / "data.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def sts(directory: Path) -> StsData:
    data = read_sts_year(STS13, directory)
    assert isinstance(data, StsData)
    return data


def test_a_year_is_read_and_blank_gold_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    directory = year(tmp_path, "FNWN", "a b\tc d\ne\tf\ng  h \ti\n", "3.5\n\n0\n")
    data = sts(directory)
    assert data.subsets == {"FNWN": [ScoredPair("a b", "c d", 3.5), ScoredPair("g h", "i", 0.0)]}
    assert (data.skipped, data.items) == (1, 2)
    assert data.missing_subsets == ["OnWN", "headlines"]
    assert any("STS.input.OnWN.txt" in note for note in data.notes)


def test_all_file_and_unlisted_subsets_are_ignored(tmp_path: Path) -> None:
    year(tmp_path, "ALL", "x\ty\n", "1\n")
    year(tmp_path, "SMT", "x\ty\n", "1\n")
    directory = year(tmp_path, "OnWN", "a\tb\n", "1\n")
    assert list(sts(directory).subsets) == ["OnWN"]


def test_a_subset_without_its_gold_file_is_named(tmp_path: Path) -> None:
    for subset in SUBSETS:
        directory = year(tmp_path, subset, "a\tb\n", "1\n")
    (directory / "STS.gs.OnWN.txt").unlink()
    data = sts(directory)
    assert data.missing_subsets == ["OnWN"]
    assert any("STS.gs.OnWN.txt" in note and "STS.input" not in note for note in data.notes)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [True, False])
def test_bom_crlf_and_a_missing_final_newline_change_nothing(
    tmp_path: Path, newline: str, bom: bytes, end: bool
) -> None:
    tail = newline if end else ""
    inputs = bom + (newline.join(["café\tb", "c\td"]) + tail).encode()
    gold = bom + (newline.join(["1", "2.5"]) + tail).encode()
    data = sts(year(tmp_path, "FNWN", inputs, gold))
    assert data.subsets["FNWN"] == [ScoredPair("café", "b", 1.0), ScoredPair("c", "d", 2.5)]


def test_unicode_separators_inside_a_sentence_do_not_shift_the_pairs(tmp_path: Path) -> None:
    data = sts(year(tmp_path, "FNWN", "a\x85b\tc\nd\u2028e\tf\n", "1\n2\n"))
    assert data.subsets["FNWN"] == [ScoredPair("a b", "c", 1.0), ScoredPair("d e", "f", 2.0)]


def test_extra_columns_are_ignored_and_said(tmp_path: Path) -> None:
    data = sts(year(tmp_path, "FNWN", "a\tb\tsource\thttp\nc\td\n", "1\n2\n"))
    assert data.subsets["FNWN"][0] == ScoredPair("a", "b", 1.0)
    assert any("1 rows have extra columns" in note for note in data.notes)


@pytest.mark.parametrize(
    ("inputs", "gold", "says"),
    [
        ("a\tb\nc\n", "1\n2\n", r"STS\.input\.FNWN\.txt, line 2: has 1 tab-separated columns where 2"),
        ("a\tb\nc\t \n", "1\n2\n", r"STS\.input\.FNWN\.txt, line 2: a sentence is empty"),
        ("a\tb\nc\td\n", "1\nhigh\n", r"STS\.gs\.FNWN\.txt, line 2: the gold score 'high' is not a number"),
        ("a\tb\nc\td\n", "nan\n2\n", r"STS\.gs\.FNWN\.txt, line 1: the gold score 'nan' is not a number"),
        ("a\tb\nc\td\n", "1\n17\n", r"STS\.gs\.FNWN\.txt, line 2: the gold score 17 lies outside 0 to 5"),
        ("a\tb\nc\td\n", "1\n", r"has 2 pairs but STS\.gs\.FNWN\.txt has 1 gold lines"),
        ("a\tb\n", "1\n2\n", r"has 1 pairs but STS\.gs\.FNWN\.txt has 2 gold lines"),
        (b"a\tb\ncaf\xe9\td\n", "1\n2\n", r"STS\.input\.FNWN\.txt, line 2: is not UTF-8 text \(byte 0xe9\)"),
        ("a\tb\n".encode("utf-16"), "1\n", r"line 1: is not UTF-8 text \(UTF-16"),
        (b"a\tb\nc\t\x00d\n", "1\n2\n", r"line 2: is not UTF-8 text \(UTF-16 mark or NUL"),
    ],
)
def test_faulty_years_are_refused_by_file_and_line(tmp_path: Path, inputs: str | bytes, gold: str, says: str) -> None:
    directory = year(tmp_path, "FNWN", inputs, gold)
    with pytest.raises(SyncseError, match=says):
        read_sts_year(STS13, directory)


def test_surplus_blank_lines_at_the_end_are_no_mismatch(tmp_path: Path) -> None:
    data = sts(year(tmp_path, "FNWN", "a\tb\nc\td\n\n\n", "1\n2\n\n"))
    assert (data.items, data.skipped) == (2, 0)


def test_stsb_keeps_quotes_skips_blank_gold_and_takes_extra_columns(tmp_path: Path) -> None:
    rows = ['news\tf\t2012\t1\t4.2\tsay "hi\tsay "hello', "news\tf\t2012\t2\t\tx\ty", "n\tf\t2012\t3\t0\ta\tb\tlicence"]
    data = read_stsb(TASKS["STSB"], file(tmp_path, "\r\n".join(rows)))
    assert isinstance(data, StsData)
    assert data.subsets["STSB"] == [ScoredPair('say "hi', 'say "hello', 4.2), ScoredPair("a", "b", 0.0)]
    assert data.skipped == 1
    assert any("extra columns" in note for note in data.notes)


def test_stsb_cut_inside_its_last_line_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, "n\tf\t2012\t1\t4.2\ta\tb\nn\tf\t2012\t2\t4.2\tcut he")
    with pytest.raises(SyncseError, match=r"data\.txt, line 2: has 6 tab-separated columns where 7 are needed"):
        read_stsb(TASKS["STSB"], path)


def test_sick_columns_are_found_by_name(tmp_path: Path) -> None:
    path = file(tmp_path, "relatedness_score\tpair_ID\tsentence_B\tsentence_A\n4.5\t7\tsecond\tfirst\n\t8\tx\ty\n")
    data = read_sick(TASKS["SICKR"], path)
    assert isinstance(data, StsData)
    assert data.subsets["SICKR"] == [ScoredPair("first", "second", 4.5)]
    assert data.skipped == 1


@pytest.mark.parametrize("content", ["", "4\ta\tb\t3.6\tNEUTRAL\n", "pair_ID\tsentence_A\tsentence_B\n4\ta\tb\n"])
def test_sick_without_its_header_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(SyncseError, match="line 1: the header has no column"):
        read_sick(TASKS["SICKR"], file(tmp_path, content))


def test_starter_set_layout(tmp_path: Path) -> None:
    path = file(tmp_path, "genre\tscore\tsentence1\tsentence2\nnews\t2.5\ta b\tc d\n")
    data = read_starter(TASKS["starter"], path)
    assert isinstance(data, StsData)
    assert data.subsets["starter"] == [ScoredPair("a b", "c d", 2.5)]


@pytest.mark.parametrize("below", ["", "downstream"])
def test_the_root_or_the_downstream_directory_may_be_given(tmp_path: Path, below: str) -> None:
    year(tmp_path, "FNWN", "a\tb\nc\td\n", "1\n2\n")
    found, missing = read_tasks(["STS13", "STS12", "SICKR"], tmp_path / below)
    assert [data.name for data in found] == ["STS13"]
    assert [absent.task for absent in missing] == ["STS12", "SICKR"]
    assert missing[0].looked_for == str(tmp_path / "downstream" / "STS" / "STS12-en-test")
    assert missing[1].looked_for == str(tmp_path / "downstream" / "SICK" / "SICK_test_annotated.txt")


def test_a_count_that_is_not_the_official_one_is_said(tmp_path: Path) -> None:
    for subset in SUBSETS:
        year(tmp_path, subset, "a\tb\nc\td\n", "1\n2\n")
    found, _ = read_tasks(["STS13"], tmp_path)
    assert found[0].notes[0] == "6 scored pairs where the published set has 1500"
    assert not found[0].complete


def test_without_a_senteval_directory_the_tasks_are_missing() -> None:
    found, missing = read_tasks(SEVEN, None)
    assert found == []
    assert all("no SentEval directory was given" in absent.looked_for for absent in missing)
    assert len(missing) == 7


def test_a_wrong_senteval_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SyncseError, match="No SentEval directory") as caught:
        read_tasks(["STS12"], tmp_path / "nowhere")
    assert caught.value.code == ExitCode.USAGE


def test_an_unknown_task_is_refused_with_a_guess() -> None:
    with pytest.raises(SyncseError) as caught:
        resolve(["STS12", "STBS"])
    assert "STSB" in caught.value.hint
    assert caught.value.code == ExitCode.USAGE


def test_names_ignore_case_and_repeats() -> None:
    assert [task.name for task in resolve(["stsb", "STSB", "sickr-DEV"])] == ["STSB", "SICKR-dev"]


def test_named_groups_are_tasks() -> None:
    assert set(SEVEN + DEV) <= set(TASKS)
    assert not set(SEVEN) & set(DEV)


@pytest.mark.parametrize("name", list(TASKS))
def test_every_task_is_missing_by_name_where_its_files_are_not(name: str, tmp_path: Path) -> None:
    found, missing = read_tasks([name], tmp_path, tmp_path / "pairs.tsv", tmp_path)
    assert found == []
    assert [type(absent) for absent in missing] == [Missing]
    assert missing[0].looked_for.startswith(str(tmp_path))


def test_the_task_table_and_the_readers_load_nothing_heavy() -> None:
    heavy = ["numpy", "scipy", "torch", "transformers"]
    code = f"import syncse_local.evaluation.readers, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
