"""Exports: what others read back, and nothing half-written when it cannot be done."""

import csv
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Triplet
from syncse_local.text.export import NAMES, PARQUET_BATCH, write_rows, write_triplets
from syncse_local.text.ingest import open_input

HARD = [
    Triplet("Plain one.", "Plain two.", "Plain three."),
    Triplet('He said "no", twice.', "a, b; c\td", "caf\u00e9 \U0001f600"),
    Triplet("=SUM(A1)", "line\nbreak \u2028 end", "'single' \\ back"),
    Triplet("NA", "#1", "  spaces "),
]
FORMATS = ["csv", "jsonl", "parquet"]


def read(path: Path) -> list[tuple[str, ...]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet

        return [tuple(row.values()) for row in pyarrow.parquet.read_table(path).to_pylist()]
    with path.open(encoding="utf-8", newline="") as handle:
        if path.suffix == ".csv":
            return [tuple(row.values()) for row in csv.DictReader(handle)]
        return [tuple(json.loads(line).values()) for line in handle]


@pytest.mark.parametrize("kind", FORMATS)
def test_triplets_come_back_as_they_were(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out.{kind}"
    assert write_triplets(iter(HARD), path) == len(HARD)
    assert read(path) == [(t.sentence, t.positive, t.negative) for t in HARD]
    found = open_input(path).mapping
    assert (found.sentence, found.positive, found.negative) == NAMES[kind]
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("kind", FORMATS)
def test_datasets_loads_it(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    path = tmp_path / f"out.{kind}"
    write_triplets(HARD[:3], path)
    loader = {"jsonl": "json"}.get(kind, kind)
    loaded = datasets.load_dataset(loader, data_files=str(path), split="train", cache_dir=str(tmp_path / "cache"))
    assert tuple(loaded.column_names) == NAMES[kind]
    assert [tuple(row.values()) for row in loaded] == [(t.sentence, t.positive, t.negative) for t in HARD[:3]]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_full_view_keeps_all_fields(tmp_path: Path, kind: str) -> None:
    rows: list[dict[str, object]] = [
        {"sentence": "a", "score": 1, "cos": 0.5, "ok": True, "flags": ["x"], "judge": None},
        {"sentence": "b", "score": None, "cos": 1, "ok": False, "flags": [], "judge": "late"},
    ]
    path = tmp_path / f"full.{kind}"
    assert write_rows(rows, path) == 2
    expected: dict[str, list[tuple[object, ...]]] = {
        "csv": [("a", "1", "0.5", "True", '["x"]', ""), ("b", "", "1", "False", "[]", "late")],
        "jsonl": [tuple(row.values()) for row in rows],
        "parquet": [("a", 1, 0.5, True, '["x"]', None), ("b", None, 1.0, False, "[]", "late")],
    }
    assert read(path) == expected[kind]


@pytest.mark.parametrize("kind", FORMATS)
def test_no_rows_is_an_error_and_no_file(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SyncseError) as caught:
        write_triplets([], tmp_path / f"out.{kind}")
    assert caught.value.code == ExitCode.NOTHING
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "failure", [OSError(errno.ENOSPC, "No space"), RuntimeError("worker died"), KeyboardInterrupt()]
)
def test_a_failure_on_the_way_leaves_the_old_file_alone(tmp_path: Path, kind: str, failure: BaseException) -> None:
    path = tmp_path / f"out.{kind}"
    write_triplets(HARD, path)
    before = path.read_bytes()

    def rows() -> Iterator[Triplet]:
        for _ in range(PARQUET_BATCH + 1):
            yield HARD[0]
        raise failure

    with pytest.raises((SyncseError, RuntimeError, KeyboardInterrupt)) as caught:
        write_triplets(rows(), path, overwrite=True)
    if isinstance(failure, OSError):
        assert isinstance(caught.value, SyncseError)
        assert "the disk is full" in caught.value.detail
        assert caught.value.code == ExitCode.PREFLIGHT
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("kind", FORMATS)
def test_a_full_disk_is_one_clear_error(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def to_full_device(path: Path, flags: int, mode: int = 0o777) -> int:
        if str(path).endswith(".tmp"):
            os.symlink("/dev/full", path)
            flags &= ~(os.O_EXCL | os.O_CREAT)
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", to_full_device)
    with pytest.raises(SyncseError) as caught:
        write_triplets((HARD[i % 4] for i in range(50_000)), tmp_path / f"out.{kind}")
    assert "the disk is full" in caught.value.detail
    assert os.listdir(tmp_path) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    for path, code in (
        (tmp_path / "none" / "out.csv", ExitCode.PREFLIGHT),
        (Path("/proc/out.csv"), ExitCode.PREFLIGHT),
        (tmp_path, ExitCode.USAGE),
        (tmp_path / "out.xlsx", ExitCode.USAGE),
    ):
        with pytest.raises(SyncseError) as caught:
            write_triplets(HARD, path, "csv" if path == tmp_path else None)
        assert caught.value.code == code
        assert caught.value.hint


def test_a_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_triplets(HARD, path)
    with pytest.raises(SyncseError, match="exists") as caught:
        write_triplets(HARD[:1], path)
    assert caught.value.code == ExitCode.USAGE
    assert write_triplets(HARD[:1], path, overwrite=True) == 1
    assert len(read(path)) == 1


def test_the_format_may_differ_from_the_ending(tmp_path: Path) -> None:
    path = tmp_path / "out.dat"
    write_triplets(HARD, path, "jsonl")
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0])["anchor"] == HARD[0].sentence


def test_half_characters_do_not_stop_an_export(tmp_path: Path) -> None:
    for kind in FORMATS:
        path = tmp_path / f"out.{kind}"
        write_triplets([Triplet("half \ud800", "b", "c")], path)
        assert read(path) == [("half ?", "b", "c")]


def test_uneven_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SyncseError, match="extra"):
        write_rows([{"a": 1}, {"a": 1, "extra": 2}], tmp_path / "out.jsonl")
    with pytest.raises(SyncseError, match="changes its type"):
        write_rows(({"a": 1 if i < PARQUET_BATCH else "x"} for i in range(PARQUET_BATCH + 1)), tmp_path / "out.parquet")
    assert os.listdir(tmp_path) == []
