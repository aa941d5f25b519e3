"""Results on their way out: records, tables whose cells stay cells, MTEB's layout, and what is refused."""

import csv
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from syncse_local.cli.main import main
from syncse_local.compare.pairing import shared_tasks
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.results import mteb, sheets
from syncse_local.results.files import write
from syncse_local.results.records import PROTOCOLS, collect
from syncse_local.results.tables import render
from syncse_local.store import runs
from syncse_local.store.database import connect
from tests.unit.eval_runs import evaluated

SCORES: dict[tuple[str, str], float | None] = {
    ("SICKR", "spearman"): None,
    ("STSB-dev", "spearman"): 0.7,
    ("STSB", "spearman"): 0.61234,
    ("STSB", "pearson"): 0.6,
    ("SciDocsRR", "map"): 0.5,
    ("SciDocsRR", "map@1000"): 0.4,
}
HOSTILE = "=cmd|'/C calc'!A0 & \\evil{} |x|\n\x1b<b>"


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    return connect(tmp_path / "syncse.db")


def test_records_have_both_scales_the_protocol_and_the_weights(connection: sqlite3.Connection) -> None:
    name = evaluated(connection, "mine", SCORES)
    (record,) = collect(connection, [name, name])
    assert [(s["task"], s["metric"]) for s in record["scores"]] == [
        ("STSB", "spearman"),
        ("STSB", "pearson"),
        ("SICKR", "spearman"),
        ("STSB-dev", "spearman"),
        ("SciDocsRR", "map"),
        ("SciDocsRR", "map@1000"),
    ]
    first = record["scores"][0]
    assert (first["value"], first["x100"]) == (0.61234, pytest.approx(61.234))
    assert '"all"' in first["protocol"]
    assert "MTEB v1" in record["scores"][4]["protocol"]
    assert record["weights_sha256"] == "w-mine"
    assert {s["metric"] for s in record["scores"]} <= set(PROTOCOLS)


def test_runs_without_results_are_refused(connection: sqlite3.Connection) -> None:
    train = runs.create(connection, "train", {}).id
    with pytest.raises(SyncseError, match="is a train run"):
        collect(connection, [train])
    empty = evaluated(connection, "mine", {})
    with pytest.raises(SyncseError, match="has no score") as caught:
        collect(connection, [empty])
    assert caught.value.code == ExitCode.NOTHING


def test_blocks_keep_the_order_of_the_runs_and_say_undefined(connection: sqlite3.Connection) -> None:
    low, high = evaluated(connection, "low", SCORES), evaluated(connection, "high", {("STSB", "spearman"): 0.9})
    found = dict(sheets.blocks(collect(connection, [low, high])))
    header, rows = found[PROTOCOLS["spearman"]]
    assert header == ["encoder", "unit", "STSB", "SICKR", "STSB-dev"]
    assert rows == [
        ["low", "x100", "61.23", "undefined", "70.00"],
        ["low", "0-1", "0.6123", "undefined", "0.7000"],
        ["high", "x100", "90.00", "-", "-"],
        ["high", "0-1", "0.9000", "-", "-"],
    ]
    assert found[PROTOCOLS["map@1000"]][1][0] == ["low", "x100", "40.00"]


@pytest.mark.parametrize("form", ["csv", "markdown", "latex"])
def test_a_hostile_name_stays_one_cell(connection: sqlite3.Connection, form: str) -> None:
    name = evaluated(connection, "x", {("STSB", "spearman"): 0.6}, label=HOSTILE)
    ((_, table),) = sheets.blocks(collect(connection, [name]))
    text = render(form, table)
    if form == "csv":
        rows = list(csv.reader(io.StringIO(text)))
        assert [len(row) for row in rows] == [3, 3, 3]
        assert rows[1][0] == "'" + HOSTILE.replace("\n", " ").replace("\x1b", "\\u001b")
    else:
        (line, _) = [line for line in text.splitlines() if "cmd" in line]
        unescaped = line.replace("\\|", "").replace("\\&", "")
        assert unescaped.count("|" if form == "markdown" else " & ") == (4 if form == "markdown" else 2)
        assert "\\evil{}" not in line.replace("\\\\", "")
        assert "<b>" not in line or form == "latex"


@pytest.mark.parametrize("cell", ["-1+cmd|' /C calc'!A0", "+x", "@x", "=x", "-x", "--"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert render("csv", (["a"], [[cell]])).splitlines()[1].lstrip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-", "-1.25", "+0.5", "-1.20 to +3.40", "71.20 to 73.40"])
def test_figures_keep_their_sign(cell: str) -> None:
    assert render("csv", (["a"], [[cell]])).splitlines()[1] == cell


def test_a_task_of_another_version_is_shown_and_counted(
    connection: sqlite3.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = evaluated(connection, "x", {("STSB", "spearman"): 0.6, ("STS99", "spearman"): 0.512})
    assert main(["show", name, "-w", str(tmp_path)]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "STS99  spearman  51.20" in shown
    assert "60.00" in shown
    records = collect(connection, [name])
    assert [task for _, (header, _) in sheets.blocks(records) for task in header if task.startswith("STS")] == ["STSB"]
    assert any("STS99" in remark for remark in sheets.remarks(records))
    assert [row[3] for row in sheets.figures(records)[1]] == ["STSB", "STS99"]
    other = evaluated(connection, "y", {("STSB", "spearman"): 0.7, ("STS99", "spearman"): 0.5})
    assert shared_tasks(connection, [name, other], [])[0] == ["STSB"]


def exported(connection: sqlite3.Connection, *names: str, org: str = "local") -> dict[Path, Any]:
    """MTEB's files, read."""
    return {path: json.loads(text) for path, text in mteb.files(collect(connection, names), org).items()}


def test_mtebs_layout(connection: sqlite3.Connection) -> None:
    found = exported(connection, evaluated(connection, "my model/1", SCORES), org="my lab")
    folder = Path("my_lab__my_model_1") / "w-my_model_1"
    assert set(found) == {folder / name for name in ("model_meta.json", "STSBenchmark.json", "SciDocsRR.json")}
    assert found[folder / "model_meta.json"]["name"] == "my_lab/my_model_1"
    stsb = found[folder / "STSBenchmark.json"]
    assert set(stsb["scores"]) == {"test", "validation"}
    (test,) = stsb["scores"]["test"]
    assert test["main_score"] == test["cosine_spearman"] == test["spearman"] == 0.61234
    assert (test["hf_subset"], test["languages"]) == ("default", ["eng-Latn"])
    assert stsb["dataset_revision"] == "i" * 64
    (reranking,) = found[folder / "SciDocsRR.json"]["scores"]["test"]
    assert (reranking["main_score"], reranking["map_at_1000"], reranking["map"]) == (0.4, 0.4, 0.5)


def test_another_content_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    one, two = tmp_path / "a" / "1.json", tmp_path / "2.json"
    assert write({one: "x", two: "y"}, force=False) == [one, two]
    write({one: "x"}, force=False)
    with pytest.raises(SyncseError, match="has another content") as caught:
        write({tmp_path / "3.json": "z", one: "other"}, force=False)
    assert caught.value.code == ExitCode.USAGE
    assert not (tmp_path / "3.json").exists()
    write({one: "other"}, force=True)
    assert one.read_text() == "other"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "below.json", tmp_path):
        with pytest.raises(SyncseError, match="Cannot write") as caught:
            write({path: "x"}, force=True)
        assert caught.value.code == ExitCode.PREFLIGHT


def test_two_runs_of_one_encoder_share_a_directory_but_no_file(connection: sqlite3.Connection) -> None:
    a = evaluated(connection, "m", {("STSB", "spearman"): 0.5})
    b = evaluated(connection, "m", {("SICKR", "spearman"): 0.6})
    assert len(exported(connection, a, b)) == 3
    again = evaluated(connection, "m", {("STSB", "spearman"): 0.5})
    with pytest.raises(SyncseError, match="Two of the runs scored STSBenchmark"):
        exported(connection, a, again)
