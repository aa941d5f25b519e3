"""Input files: what is taken by which name, what is skipped, and one clear error for each bad one."""

import json
import os
import sys
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.files import CHUNK
from syncse_local.text.ingest import InputRow, open_input
from syncse_local.text.lines import lines

A, B = "A cat sleeps on the mat.", "Two dogs run, fast."


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def sentences(path: Path, **options: str) -> list[str]:
    return [row.sentence for row in open_input(path, **options)]  # type: ignore[arg-type]


def triple(row: InputRow) -> tuple[str, str | None, str | None]:
    return row.sentence, row.positive, row.negative


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", f"{A}\n\n{B}\n"),
        ("a.txt", f"\ufeff{A}\r\n{B}"),
        ("a.TXT", f"{A}\r{B}\r"),
        ("a.csv", f'sentence\n{A}\n"{B}"\n'),
        ("a.csv", f'\ufeffid,Text\n1,{A}\n2,"{B}"\n'),
        ("a.csv", f"id;text\n1;{A}\n2;{B}\n"),
        ("a.csv", f'{A}\n"{B}"\n'),
        ("a.tsv", f"id\tsentence\n1\t{A}\n2\t{B}\n"),
        ("a.jsonl", f'{{"text": "{A}"}}\n\n{{"text": "{B}", "id": 2}}\n'),
        ("a.jsonl", f'"{A}"\n"{B}"\n'),
    ],
)
def test_sentences_are_found(tmp_path: Path, name: str, content: str) -> None:
    assert sentences(write(tmp_path / name, content)) == [A, B]


@pytest.mark.parametrize(
    "header",
    ["anchor,positive,negative", "sent0,sent1,hard_neg", "SENT0,Sent1,Hard_Neg", "premise,entailment,contradiction",
     "query,positive,negative", "sentence,positive,hard_negative", "sent0, sent1, hard_neg"],
)  # fmt: skip
def test_triplets_are_mapped_by_name_in_any_order(tmp_path: Path, header: str) -> None:
    path = write(tmp_path / "a.csv", f"{header},id\nx,y,z,1\n")
    assert [triple(row) for row in open_input(path)] == [("x", "y", "z")]
    turned = ",".join(reversed(header.split(",")))
    path = write(tmp_path / "b.csv", f"{turned}\nz,y,x\n")
    assert [triple(row) for row in open_input(path)] == [("x", "y", "z")]


def test_the_mapping_says_what_was_taken_and_what_was_not(tmp_path: Path) -> None:
    found = open_input(write(tmp_path / "a.csv", "id,sent0,sent1\n1,x,y\n"))
    assert found.mapping.describe() == 'csv: sentence from "sent0", positive from "sent1"; ignored: id'
    assert open_input(write(tmp_path / "a.txt", "x")).mapping.describe() == "txt: each line is a sentence"


def test_names_of_one_naming_are_not_mixed_with_another(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "sent0,positive,hard_neg\nx,y,z\n")
    assert [triple(row) for row in open_input(path)] == [("x", None, "z")]


def test_a_named_column_wins(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,body,also\nx,y,z\n")
    assert sentences(path, column="body") == ["y"]
    assert sentences(path, column="BODY") == ["y"]
    assert [triple(r) for r in open_input(path, "body", positive="also", negative="text")] == [("y", "z", "x")]
    semicolons = write(tmp_path / "b.csv", "id;body\n1;one, two\n")
    assert sentences(semicolons, column="body") == ["one, two"]


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    path = tmp_path / "a.parquet"
    arrow.write_table(pa.table({"id": [1, 2, 3], "anchor": [A, None, B], "negative": ["n", "m", "o"]}), path)
    found = open_input(path)
    assert [triple(row) for row in found] == [(A, None, "n"), (B, None, "o")]
    assert found.skipped()["empty"] == 1
    assert found.mapping.ignored == ("id",)


def test_texts_are_cleaned(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", " A \x1b[31mred\x1b[0m\u202e  cafe\u0301.\t\n")
    (row,) = open_input(path)
    assert row.sentence == "A red caf\u00e9."
    path = write(tmp_path / "a.jsonl", '{"text": "lone \\ud800 half"}')
    assert sentences(path) == ["lone half"]


def test_what_is_skipped_is_counted_each_time(tmp_path: Path) -> None:
    rows: list[object] = [{"text": A}, {"text": ""}, {"text": 5}, {"text": f" {A}"}, {"text": "x" * 2001}, {"other": 1}]
    found = open_input(write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows))))
    for _ in range(2):
        assert [row.sentence for row in found] == [A]
        assert found.skipped() == {"empty": 2, "duplicate": 1, "too_long": 1, "not_text": 1}


def test_unique_rows_keep_several_pairs_of_a_sentence(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "anchor,positive\nx,y\nx,z\nx,y\n")
    assert len(list(open_input(path))) == 1
    assert [row.positive for row in open_input(path, unique_by="row")] == ["y", "z"]


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.tsv", "a.jsonl"])
def test_a_line_of_a_megabyte_and_one_of_twenty_are_skipped_and_counted(tmp_path: Path, name: str) -> None:
    sizes = [1_000_000] if name == "a.csv" else [1_000_000, 20_000_000]
    long = [f'{{"text": "{"x" * n}"}}' if name == "a.jsonl" else "x" * n for n in sizes]
    good = f'{{"text": "{A}"}}' if name == "a.jsonl" else A
    head = [] if name in ("a.jsonl", "a.txt") else ["text"]
    found = open_input(write(tmp_path / name, "\n".join([*head, *long, good])))
    assert [row.sentence for row in found] == [A]
    assert found.skipped()["too_long"] == len(sizes)


def test_a_quoted_field_may_span_lines_and_tabs_files_may_have_bare_quotes(tmp_path: Path) -> None:
    assert sentences(write(tmp_path / "a.csv", 'text\n"one\ntwo ""three"""\n')) == ['one two "three"']
    content = 'text\tid\nHe said "no" twice.\t1\n"all ""in"" one"\t2\n"open only\t3\n'
    assert sentences(write(tmp_path / "a.tsv", content)) == ['He said "no" twice.', 'all "in" one', '"open only']


def test_lines_are_the_same_wherever_a_piece_ends(tmp_path: Path) -> None:
    whole = ["a" * (CHUNK - 1), "\u20ac" * CHUNK, "", "b\u2028c", "d" * 10]
    path = write(tmp_path / "a.txt", "\r\n".join(whole))
    assert list(lines(path, "utf-8")) == whole
    assert [len(line) for line in lines(path, "utf-8", limit=5)] == [6, 6, 0, 3, 6]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1", "cp1252", "UTF8"])
def test_other_encodings_can_be_named(tmp_path: Path, encoding: str) -> None:
    assert sentences(write(tmp_path / "a.txt", "Caf\u00e9 one\nTwo".encode(encoding)), encoding=encoding) == [
        "Caf\u00e9 one",
        "Two",
    ]


BAD: list[tuple[str, bytes, ExitCode, str, str]] = [
    ("a.txt", b"", ExitCode.NOTHING, "no bytes", "sentences"),
    ("a.csv", b"", ExitCode.NOTHING, "no bytes", "sentences"),
    ("a.parquet", b"", ExitCode.NOTHING, "no bytes", "sentences"),
    ("a.txt", b"\n \n\t\n", ExitCode.NOTHING, "3 empty", "sentence"),
    ("a.csv", b"\n\n", ExitCode.NOTHING, "no rows", "sentences"),
    ("a.csv", b"text,id\n", ExitCode.NOTHING, "no rows", "sentence"),
    ("a.jsonl", b"\n\n", ExitCode.NOTHING, "no rows", "sentences"),
    ("a.txt", b"ok\nse\xf1or\n", ExitCode.PREFLIGHT, "UTF-8 at byte 5", "--encoding cp1252"),
    ("a.csv", b"text\n" + (b"long " * 200 + b"\n") * 1500 + b"\xff", ExitCode.PREFLIGHT, "byte 1501505", "--encoding"),
    ("a.txt", b"ends in half a \xe2\x82", ExitCode.PREFLIGHT, "byte 15", "--encoding"),
    ("a.txt", b"one\ntwo\nth\0ree\n", ExitCode.PREFLIGHT, "NUL in line 3", "utf-16"),
    ("a.csv", b"text,id\na,1\nb\0,2\n", ExitCode.PREFLIGHT, "NUL in line 3", "again"),
    ("a.csv", b'text,id\nok,1\n"never closed,2\nb,3\n', ExitCode.PREFLIGHT, "begins at line 3", '"..."'),
    ("a.csv", b'text,id\n"closed" early,2\n', ExitCode.PREFLIGHT, "begins at line 2", '"..."'),
    ("a.csv", b"text,id\none, two,2\n", ExitCode.PREFLIGHT, "line 2 has 3 fields", "double quotes"),
    ("a.csv", b"A cat sleeps.\nA dog, a bird.\n", ExitCode.PREFLIGHT, "line 2 has 2 fields", ".txt"),
    ("a.csv", b"text,id\n" + b"x" * 17_000_000 + b",1\n", ExitCode.PREFLIGHT, "field limit", '"..."'),
    ("a.csv", b"Two dogs, one cat,5\n", ExitCode.USAGE, "'Two dogs', 'one cat', '5'", "--column"),
    ("a.jsonl", b'{"body": "x"}\n', ExitCode.USAGE, "'body'", "--column"),
    ("a.csv", b"text,Text\na,b\n", ExitCode.USAGE, "2 columns named text", "Rename"),
    ("a.jsonl", b'{"text": "x"}\n{"text": \n', ExitCode.PREFLIGHT, "line 2 is not JSON", "complete"),
    ("a.jsonl", b"[" * 100_000 + b"\n", ExitCode.PREFLIGHT, "line 1 is not JSON", "complete"),
    ("a.jsonl", b"[1, 2]\n", ExitCode.PREFLIGHT, "line 1 is neither", "object"),
    ("a.parquet", b"text\nnot parquet at all\n", ExitCode.PREFLIGHT, "not a Parquet file", ".csv"),
    ("a.parquet", b"PAR1" + b"\0" * 30 + b"PAR1", ExitCode.PREFLIGHT, "not a Parquet file", "completely"),
    ("a.docx", b"PK", ExitCode.USAGE, '".docx"', ".jsonl"),
    ("noending", b"x", ExitCode.USAGE, "ends in", ".txt"),
]


@pytest.mark.parametrize(("name", "content", "code", "detail", "hint"), BAD, ids=[f"{b[0]}-{b[3]}" for b in BAD])
def test_bad_input_is_one_clear_error(
    tmp_path: Path, name: str, content: bytes, code: ExitCode, detail: str, hint: str
) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(SyncseError) as caught:
        list(open_input(write(tmp_path / name, content)))
    assert caught.value.code == code
    assert detail in caught.value.detail
    assert hint in caught.value.hint
    assert caught.value.title
    assert "\n" not in caught.value.detail + caught.value.hint


def test_a_damaged_parquet_file(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow.parquet")
    import pyarrow as pa

    path = tmp_path / "a.parquet"
    arrow.write_table(pa.table({"text": [f"sentence {i}" for i in range(50_000)]}), path)
    content = bytearray(path.read_bytes())
    content[100:20_000] = b"\xff" * 19_900
    with pytest.raises(SyncseError, match="is damaged"):
        list(open_input(write(path, bytes(content))))


def test_paths_that_are_no_file(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "is a directory"), (tmp_path / "none.txt", "does not exist")):
        with pytest.raises(SyncseError) as caught:
            open_input(path)
        assert said in caught.value.detail
        assert caught.value.code == ExitCode.USAGE


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are of POSIX systems")
def test_a_pipe_is_refused_and_not_waited_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(SyncseError, match="not a regular file"):
        open_input(tmp_path / "pipe.txt")


@pytest.mark.parametrize(
    ("options", "detail", "hint"),
    [
        ({"column": "sentense"}, 'no column "sentense"', 'Did you mean "sentence"?'),
        ({"column": "zzz"}, 'no column "zzz"', "Its columns: sentence, id."),
        ({"negative": "idd"}, 'no column "idd"', 'Did you mean "id"?'),
        ({"encoding": "utf-99"}, '"utf-99"', "utf-16"),
        ({"encoding": "base64"}, '"base64"', "utf-16"),
        ({"encoding": "hex"}, '"hex"', "utf-16"),
    ],
)
def test_bad_options_are_usage_errors(tmp_path: Path, options: dict[str, str], detail: str, hint: str) -> None:
    path = write(tmp_path / "a.csv", "sentence,id\nx,1\n")
    with pytest.raises(SyncseError) as caught:
        open_input(path, **options)  # type: ignore[arg-type]
    assert detail in caught.value.detail
    assert hint in caught.value.hint
    assert caught.value.code == ExitCode.USAGE


def test_plain_text_has_no_columns(tmp_path: Path) -> None:
    with pytest.raises(SyncseError, match="No columns"):
        open_input(write(tmp_path / "a.txt", "x"), column="text")


def test_research_data_is_read_as_it_is(data_dir: Path) -> None:
    found = open_input(data_dir / "nli" / "nli_triplets_all.csv", unique_by="row")
    rows = list(found)
    assert len(rows) + sum(found.skipped().values()) == 15_096
    assert all(row.positive and row.negative for row in rows)
    pairs = open_input(data_dir / "nli" / "snli_train_random18k_pairs.tsv")
    assert pairs.mapping.sentence == "premise"
    assert len(list(pairs)) > 10_000
