"""Tables as programs save them: each member of the kind is read cell by cell, or refused with the flag that decides."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.ingest import open_input
from tests.unit.table_files import sentences, write

A, B, C = "A tall man, in red; carries a ladder.", 'She said "no" twice.', "Two lines\nin one cell."
CLEAN = [A, B, C.replace("\n", " ")]


def saved(separator: str = ",", end: str = "\n", header: bool = True, index: bool = False, **more: Any) -> str:
    """The three sentences with a number and a decimal, as Python's csv module writes them."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=end, **more)
    rows: list[list[Any]] = [["text", "score"], *([t, 0.5 + n] for n, t in enumerate((A, B, C)))]
    for number, row in enumerate(rows):
        if header or number:
            writer.writerow([*([number - 1 if number else ""] if index else []), *row])
    return text.getvalue()


QUOTED = saved(";", quotechar="'", quoting=csv.QUOTE_ALL).splitlines(keepends=True)
WRITTEN: dict[str, tuple[str, str]] = {
    "pandas": ("a.csv", saved(index=True)),
    "Excel in Europe": ("a.csv", saved(";", "\r\n")),
    "with decimal commas": ("a.csv", saved(";").replace("0.5", "0,5").replace("1.5", "1,5")),
    "tabs in a .csv": ("a.csv", saved("\t")),
    "pipes": ("a.csv", saved("|")),
    "a .tsv of pandas": ("a.tsv", saved("\t", index=True)),
    "commas in a .tsv": ("a.tsv", saved()),
    "all quoted": ("a.csv", saved(quoting=csv.QUOTE_ALL)),
    "escaped, not quoted": ("a.csv", saved(quoting=csv.QUOTE_NONE, escapechar="\\")),
    "Spark, MySQL": ("a.csv", saved(doublequote=False, escapechar="\\")),
    "single quotes": ("a.csv", saved(quotechar="'", quoting=csv.QUOTE_ALL)),
    "single quotes below plain names": ("a.csv", QUOTED[0].replace("'", "") + "".join(QUOTED[1:])),
    "old Mac": ("a.csv", saved(end="\r").replace(C, C.replace("\n", " "))),
    "a space after the comma": ("a.csv", saved(quoting=csv.QUOTE_ALL).replace('","', '", "')),
    "Excel's line": ("a.csv", "sep=;\r\n" + saved(";", "\r\n")),
    "its line in quotes": ("a.csv", '"sep=,"\n' + saved()),
    "its line for tabs": ("a.csv", "SEP=\t\n" + saved("\t")),
    "its line before a mark": ("a.csv", "sep=;\n\ufeff" + saved(";")),
    "a .txt with tabs": ("a.txt", saved("\t")),
    "a .txt with commas": ("a.txt", saved()),
    "a title above": ("a.csv", "Survey of May\nMade,2024-05-01\n\n" + saved(index=True)),
    "two files in one": ("a.csv", saved() + saved()),
    "a rare separator": ("a.csv", saved("^").replace(C, C.replace("\n", " "))),
    "Hive": ("a.csv", saved("\x01").replace(C, C.replace("\n", " "))),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_what_a_program_writes_is_read_cell_by_cell(tmp_path: Path, name: str) -> None:
    file, content = WRITTEN[name]
    found = open_input(write(tmp_path / file, content))
    assert [row.sentence for row in found] == CLEAN
    assert found.mapping.sentence == "text"
    assert set(found.skipped()) <= {"repeated_header", "duplicate"}


def test_the_separator_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "sep=;\n" + saved(";"))
    assert "separator semicolon" in open_input(path).mapping.describe()
    assert "sep=" in open_input(path).mapping.describe()


R_ROWS = f'"text" "label"\n"1" "{A}" 1\n"2" "Two dogs run." 2\n'


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.csv", f'"","text","label"\n"1","{A}",1\n"2","Two dogs run.",2\n"3",NA,2\n'),
        ("a.txt", R_ROWS),
        ("a.csv", R_ROWS),
        ("a.tsv", R_ROWS.replace('" "', '"\t"').replace('" 1', '"\t1').replace('" 2', '"\t2')),
        ("a.csv", f'"text"\n"1","{A}"\n"2","Two dogs run."\n'),
        ("a.txt", f'"text"\n"{A}"\n"Two dogs run."\n'),
        ("a.txt", f'"{A}"\n"Two dogs run."\n'),
    ],
)
def test_r_names_its_rows_and_quotes_everything(tmp_path: Path, file: str, content: str) -> None:
    assert sentences(write(tmp_path / file, content)) == [A, "Two dogs run."]


@pytest.mark.parametrize("cell", ["", "NA", "NaN", "NULL", "null", "None", "<NA>", "\\N", "#N/A", " NA "])
def test_cells_that_say_that_there_is_none_are_no_sentences(tmp_path: Path, cell: str) -> None:
    found = open_input(write(tmp_path / "a.csv", f"id,text\n1,{A.replace(',', '')}\n2,{cell}\n"))
    assert len(list(found)) == 1
    assert found.skipped() == {"empty": 1}


def test_rows_that_lack_only_cells_that_may_be_empty_are_whole(tmp_path: Path) -> None:
    content = "text,label,remark,,\nA cat sleeps.,1,,,\nA dog runs.,2\nA bird sings.,3,,\n,,,,\n"
    found = open_input(write(tmp_path / "a.csv", content))
    assert [row.sentence for row in found] == ["A cat sleeps.", "A dog runs.", "A bird sings."]
    assert found.skipped() == {"empty": 1}


def test_text_forms_of_databases(tmp_path: Path) -> None:
    content = "1\tOne\\tand \\\\ two.\n2\t\\N\n3\tA dog.\n"
    path = write(tmp_path / "a.tsv", content)
    assert sentences(path, header="no", column="2") == ["One and \\ two.", "A dog."]


def test_qualtrics_writes_three_headers(tmp_path: Path) -> None:
    ids = '"{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"'
    path = write(tmp_path / "a.csv", f"Q1,Q2\nWhat do you see?,Why?\n{ids}\nA cat sleeps.,5\n")
    assert sentences(path, column="Q1") == ["A cat sleeps."]


def test_quotes_that_are_never_closed_belong_to_a_tab_file(tmp_path: Path) -> None:
    assert sentences(write(tmp_path / "a.tsv", 'text\tid\n"A dog runs.\t1\n3" pipes are wide.\t2\n')) == [
        '"A dog runs.',
        '3" pipes are wide.',
    ]


ONE_COLUMN = [
    ("text\nA cat sleeps.\nA dog; a bird.\n", ["A cat sleeps.", "A dog; a bird."], "text"),
    ("review_body\nA cat sleeps.\nA dog runs.\n", ["A cat sleeps.", "A dog runs."], "review_body"),
    ("A cat sleeps.\nA dog runs.\n", ["A cat sleeps.", "A dog runs."], ""),
    ('"A cat, a dog."\n"A bird."\n', ["A cat, a dog.", "A bird."], ""),
    ("一只猫睡在垫子上。\n两只狗跑得很快。\n", ["一只猫睡在垫子上。", "两只狗跑得很快。"], ""),
]


@pytest.mark.parametrize(("content", "wanted", "column"), ONE_COLUMN)
def test_one_column_with_a_header_or_without(tmp_path: Path, content: str, wanted: list[str], column: str) -> None:
    found = open_input(write(tmp_path / "a.csv", content))
    assert [row.sentence for row in found] == wanted
    assert found.mapping.sentence == column


UNSURE: list[tuple[str, str, str, dict[str, str], list[str]]] = [
    ("a.csv", "Customer words\nA cat sleeps here\nA dog runs\n", "--header yes", {"header": "yes"},
     ["A cat sleeps here", "A dog runs"]),
    ("a.csv", "Customer words\nA cat sleeps here\n", "--header no", {"header": "no"},
     ["Customer words", "A cat sleeps here"]),
    ("a.csv", "text\nA cat sleeps.\nA dog, a bird.\n", "--separator none", {"separator": "none"},
     ["A cat sleeps.", "A dog, a bird."]),
    ("a.csv", "1,A cat sleeps.,0.5\n2,A dog runs.,0.7\n", "--header no and --column NUMBER",
     {"header": "no", "column": "2"}, ["A cat sleeps.", "A dog runs."]),
    ("a.txt", "1\tA cat sleeps.\n2\tA dog runs.\n", "--separator tab",
     {"separator": "tab", "header": "no", "column": "2"}, ["A cat sleeps.", "A dog runs."]),
    ("a.txt", "A cat. ||| A tom.\nA dog. ||| A hound.\n", "--separator none", {"separator": "none"},
     ["A cat. ||| A tom.", "A dog. ||| A hound."]),
    ("a.csv", 'text,id\n"No" said he.,1\n', "--quoting", {"quoting": "none"}, ['"No" said he.']),
    ("a.csv", 'text,path\nA cat.,"C:\\"\nA dog.,"D:\\"\n', "", {}, ["A cat.", "A dog."]),
    ("a.csv", '"id,text"\n"1,A cat."\n"2,A dog."\n', "outer quotes", {"separator": "none", "header": "yes"},
     ["1,A cat.", "2,A dog."]),
    ("a.txt", '"review" "label"\n"1" "A cat." 1\n"2" "A dog." 2\n', "--separator space",
     {"separator": "space", "column": "review"}, ["A cat.", "A dog."]),
]  # fmt: skip


@pytest.mark.parametrize(("file", "content", "flag", "options", "wanted"), UNSURE)
def test_where_two_readings_are_possible_a_flag_decides(
    tmp_path: Path, file: str, content: str, flag: str, options: dict[str, str], wanted: list[str]
) -> None:
    path = write(tmp_path / file, content)
    if flag:
        with pytest.raises(SyncseError) as caught:
            list(open_input(path))
        assert flag in caught.value.hint
        assert "\n" not in caught.value.detail + caught.value.hint
    assert sentences(path, **options) == wanted


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("a.csv", "text,label\nA cat,1\nA dog\nruns.,2\n"),  # a line break without quotes
        ("a.csv", "text,label\nA cat, a dog,1\n"),
        ("a.csv", 'text,label\n"A cat,1\nA dog,2\n'),
        ("a.csv", 'text,label\n"A \\"cat\\", a dog",1\n"A ""bird"" sings",2\nA, b,3\n'),
        ("a.tsv", 'text\tlabel\nA cat\t1\n"A dog\nruns."\t2\n"A bird\t3\n'),
        ("a.txt", "anchor,positive,negative\nA cat, here,A tom,A dog\n"),
        ("a.csv", "text;label\nA cat;1\n(2 rows affected)\n"),
        ("a.jsonl", '{"text": "A cat."}\n{"text": "A dog\n'),
        ("a.json", '[{"text": "A cat."}, {"text": "A d'),
        ("a.json", '[{"text": "A cat."} {"text": }]'),
        ("a.csv", '{"a": 1}\x00\n'),
    ],
)
def test_what_cannot_be_read_safely_is_refused(tmp_path: Path, file: str, content: str) -> None:
    with pytest.raises(SyncseError) as caught:
        list(open_input(write(tmp_path / file, content)))
    assert caught.value.code == ExitCode.PREFLIGHT
    assert len(caught.value.detail + caught.value.hint) < 700


def test_a_row_that_does_not_fit_far_down_is_named_by_its_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\n" + "A cat.,1\n" * 5_000 + "A dog, a bird.,2\n")
    with pytest.raises(SyncseError, match="line 5002 has 3 fields"):
        list(open_input(path))


FOREIGN = [
    (b"PK\x03\x04rest", "Excel"), (b"\xd0\xcf\x11\xe0rest", "Excel"), (b"SQLite format 3\x00", "SQLite"),
    (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"), (b"<!DOCTYPE html><html>", "web page"),
    (b"PAR1....", "Parquet"), (b"$FL2@(#) SPSS", "SPSS"), (b"<stata_dta>", "Stata"), (b"\x80\x04\x95", "pickle"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "what"), FOREIGN)
@pytest.mark.parametrize("file", ["a.csv", "a.txt", "a.jsonl", "a.xlsx"])
def test_a_file_that_is_no_text_is_called_by_its_name(tmp_path: Path, file: str, content: bytes, what: str) -> None:
    path = tmp_path / file
    path.write_bytes(content)
    with pytest.raises(SyncseError) as caught:
        open_input(path)
    assert what in caught.value.detail
    assert caught.value.code == ExitCode.PREFLIGHT


def test_a_directory_of_parts_names_one(tmp_path: Path) -> None:
    for name in ("_SUCCESS", "part-00000.csv", "part-00001.csv"):
        write(tmp_path / name, "")
    with pytest.raises(SyncseError) as caught:
        open_input(tmp_path)
    assert "part-00000.csv" in caught.value.hint
