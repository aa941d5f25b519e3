"""What stands in a table's columns: JSON in every layout, lists, numbered negatives, other types; and a large file in pieces."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncse_local.errors import SyncseError
from syncse_local.text.files import CHUNK
from syncse_local.text.ingest import open_input
from tests.unit.table_files import sentences, write

ROWS = [{"text": "A cat."}, {"text": None, "id": 2}, {"id": 3, "text": "A dog."}]
JSON: dict[str, str] = {
    "lines": "\n".join(map(json.dumps, ROWS)),
    "blank lines and trailing commas": "\n" + ",\n\n".join(map(json.dumps, ROWS)) + ",\n",
    "an array": json.dumps(ROWS),
    "an array over lines": json.dumps(ROWS, indent=2),
    "an array, a row a line": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "objects over lines": "\n".join(json.dumps(row, indent=1) for row in ROWS),
    "rows under a name": json.dumps({"version": "1.0", "data": ROWS}),
    "split": json.dumps({"columns": ["text", "id"], "index": [0, 1], "data": [["A cat.", 1], ["A dog.", 3]]}),
    "columns": json.dumps({"text": {"0": "A cat.", "1": "A dog."}, "id": {"0": 1, "1": 3}}),
    "index": json.dumps({"a": {"text": "A cat."}, "b": {"text": "A dog."}}),
    "lists": json.dumps({"text": ["A cat.", "A dog."], "id": [1, 3]}),
    "NaN": '[{"text": NaN}, {"text": "A cat."}, {"text": "A dog."}]',
    "strings": json.dumps(["A cat.", "A dog."]),
    "a mark": "\ufeff" + json.dumps(ROWS),
}


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize("file", ["a.json", "a.jsonl"])
def test_json_in_every_layout(tmp_path: Path, name: str, file: str) -> None:
    assert sentences(write(tmp_path / file, JSON[name])) == ["A cat.", "A dog."]


def test_json_lines_under_another_name(tmp_path: Path) -> None:
    assert sentences(write(tmp_path / "a.txt", JSON["lines"])) == ["A cat.", "A dog."]


def test_a_key_may_be_absent_from_the_first_rows(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"schema": "v1"}, *({"anchor": f"a{n}", "positive": "p"} for n in range(300))]
    rows += [{"anchor": "last", "positive": "p", "negative": "n"}]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    found = open_input(path, complete=True)
    assert [row.sentence for row in found] == ["last"]
    assert found.skipped() == {"empty": 1, "incomplete": 301}
    assert found.left_out == 301


LISTS = [
    {"query": "q1", "pos": ["p1", "p2"], "neg": ["n1"]},
    {"query": "q2", "pos": [], "neg": ["n1"]},
    {"query": "q3", "pos": ["", "p3"], "neg": ["n1", "n2"]},
    {"query": "q4", "pos": "p4", "neg": [7]},
]


def test_of_a_list_the_first_text_is_taken(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, LISTS)))
    assert sentences(path) == ["q1", "q2", "q3", "q4"]
    found = open_input(path, complete=True)
    assert [row[:3] for row in found] == [("q1", "p1", "n1"), ("q3", "p3", "n1")]
    assert found.skipped() == {"incomplete": 1, "not_text": 1}
    assert "first text of each list in pos, neg" in found.mapping.describe()


def test_lists_in_cells(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'query,pos,neg\nq,"[""p1"", ""p2""]","[""n""]"\n')
    assert [row[:3] for row in open_input(path, complete=True)] == [("q", "p1", "n")]
    path = write(tmp_path / "b.csv", "query,pos,neg\nq,\"['p1', 'p2']\",\"['n']\"\n")
    with pytest.raises(SyncseError, match="each cell is a list written as text"):
        open_input(path)


@pytest.mark.parametrize(
    ("header", "negative"),
    [
        ("anchor,positive,negative_1,negative_2", "negative_1"),
        ("query,answer,negative_10,negative_2", "negative_2"),
        ("Anchor,Positive,Hard Negative 1", "Hard Negative 1"),
        ("sentence,positive,neg1", "neg1"),
        ("anchor,pos,negative,negative_1", "negative"),
        ("question,positive,hard-negative", "hard-negative"),
    ],
)
def test_numbered_negatives(tmp_path: Path, header: str, negative: str) -> None:
    cells = ",".join(f"t{n}" for n in range(header.count(",") + 1))
    found = open_input(write(tmp_path / "a.csv", f"{header}\n{cells}\n"), complete=True)
    assert found.mapping.negative == negative
    assert len(list(found)) == 1


def test_without_a_column_of_negatives_the_columns_are_listed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "anchor,positive,bad\nx,y,z\n")
    with pytest.raises(SyncseError) as caught:
        open_input(path, complete=True)
    assert "'bad'" in caught.value.detail
    assert "--negative" in caught.value.hint
    assert [row[:3] for row in open_input(path, negative="bad", complete=True)] == [("x", "y", "z")]


def test_passages_of_search(tmp_path: Path) -> None:
    row = {"question": "q", "answers": ["a"], "positive_ctxs": [{"title": "t", "text": "p"}],
           "hard_negative_ctxs": [{"title": "t", "text": "n"}]}  # fmt: skip
    path = write(tmp_path / "a.json", json.dumps([row]))
    assert [found[:3] for found in open_input(path, complete=True)] == [("q", "p", "n")]


def test_lists_for_rows_are_taken_by_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '["a", "p", "n"]\n["b", "p", "n"]\n')
    with pytest.raises(SyncseError, match="No usable column"):
        open_input(path)
    assert next(iter(open_input(path, "1", positive="2", negative="3")))[:3] == ("a", "p", "n")


def test_columns_of_other_values_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": {"en": "A cat."}}\n' * 2)
    with pytest.raises(SyncseError) as caught:
        list(open_input(path))
    assert '"text" has other values' in caught.value.hint


def test_arrow_types(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.feather
    import pyarrow.parquet

    lists = pa.array([["p1", "p2"], [], ["p3"]], pa.list_(pa.string()))
    table = pa.table(
        {
            "anchor": pa.array(["a", "b", "c"]).dictionary_encode(),
            "positive": lists,
            "negative": pa.array(["n", "n", None], pa.large_string()),
            "emb": pa.array([[0.1], [0.2], [0.3]]),
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet")
    pyarrow.feather.write_feather(table, tmp_path / "a.feather")
    with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    large = table.set_column(1, "positive", lists.cast(pa.large_list(pa.large_string())))
    binary = large.set_column(0, "anchor", pa.array([b"a", b"b", b"\xff"]))
    pyarrow.parquet.write_table(binary, tmp_path / "b.parquet")
    for name in ("a.parquet", "a.feather", "a.arrow", "b.parquet"):
        found = open_input(tmp_path / name, complete=True)
        assert [row[:3] for row in found] == [("a", "p1", "n")], name
        assert found.skipped()["incomplete"] == 2
        assert found.left_out == 2


def test_a_large_file_is_read_a_piece_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    read: Callable[[Path], Any] = __import__("syncse_local.text.files", fromlist=["pieces"]).pieces

    def counted(path: Path) -> Any:
        for piece in read(path):
            taken.append(len(piece))
            yield piece

    monkeypatch.setattr("syncse_local.text.lines.pieces", counted)
    for name, row, head in (("a.csv", '"A cat, {}",1\n', "text,id\n"), ("a.json", '{{"text": "A {}"}},\n', "[")):
        path = tmp_path / name
        with path.open("w") as file:
            file.write(
                head + "".join(row.format(n) for n in range(200_000)) + ("" if head[0] == "t" else '{"text": "z"}]')
            )
        assert path.stat().st_size > 3 * CHUNK
        rows = iter(open_input(path))
        taken.clear()
        next(rows)
        assert max(taken) <= CHUNK
        assert sum(taken) <= 2 * CHUNK
