"""Rows of the files that MTEB's sets come in: JSONL (plain or gzip), Parquet, and TSV with a header.

Knows where a set's files lie and what may be wrong with a file; knows no column's meaning.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from syncse_local.evaluation.lines import bad_file, read_lines, split_columns
from syncse_local.evaluation.tasks import ROW_FILES

Row = dict[str, Any]
LINE_LIMIT = 1 << 25
"""Bytes of one line: a query with some thousand candidates fits, a decompression bomb does not."""

_BATCH = 1024  # rows of a Parquet file in memory at once


def part_files(base: Path, splits: tuple[str, ...] = ("test",)) -> list[Path]:
    """The files of one part of a set: `base` with an ending, or those of a split in the directory `base`.

    What names no split, the file itself and the only one in a directory, is taken for the test split.
    """
    nameless = "test" in splits
    for ending in (*ROW_FILES, ".tsv"):
        if nameless and (file := base.with_name(base.name + ending)).is_file():
            return [file]
        inside = sorted(base.glob(f"*{ending}")) if base.is_dir() else []
        if named := [file for file in inside if file.name.startswith(splits)]:
            return named
        if nameless and len(inside) == 1:
            return inside
    return []


def read_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Each row with its number (from 1; of the line, in text). Raises SyncseError for what is damaged or no object."""
    if path.suffix == ".parquet":
        yield from enumerate(_parquet(path), start=1)
    elif path.suffix == ".tsv":
        yield from _table(path)
    else:
        yield from _json(path)


def text(path: Path, line: int, row: Row, *names: str) -> str:
    """The row's first column of these names, which must be a text or a whole number (ids come as either)."""
    value = column(path, line, row, *names)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise bad_file(path, line, f"{names[0]} is not a text")
    return str(value)


def texts(path: Path, line: int, row: Row, name: str) -> list[str]:
    """The row's column as a list of texts; a single text is a list of one."""
    value = column(path, line, row, name)
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise bad_file(path, line, f"{name} is neither a text nor a list of texts")
    return values


def column(path: Path, line: int, row: Row, *names: str) -> Any:
    """The value of the first of these columns that the row has; SyncseError where it has none."""
    for name in names:
        if name in row:
            return row[name]
    there = ", ".join(map(repr, list(row)[:8])) or "none"
    raise bad_file(path, line, f"has no column {' or '.join(names)} (its columns: {there})")


def _json(path: Path) -> Iterator[tuple[int, Row]]:
    opener: Any = gzip.open if path.suffix == ".gz" else Path.open
    try:
        with opener(path, "rb") as stream:
            yield from _objects(path, stream)
    except (EOFError, OSError, zlib.error) as error:
        raise bad_file(path, None, f"cannot be read to its end ({error})") from error


def _objects(path: Path, stream: IO[bytes]) -> Iterator[tuple[int, Row]]:
    number = 0
    while line := stream.readline(LINE_LIMIT):
        number += 1
        if len(line) == LINE_LIMIT:
            raise bad_file(path, number, f"is longer than {LINE_LIMIT >> 20} MiB")
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise bad_file(path, number, f"is not a JSON object ({type(error).__name__}; truncated?)") from error
        if not isinstance(row, dict):
            raise bad_file(path, number, "is JSON, but no object")
        yield number, row


def _table(path: Path) -> Iterator[tuple[int, Row]]:
    lines = read_lines(path)
    header = lines[0].split("\t") if lines else []
    for number, line in enumerate(lines[1:], start=2):
        if line.strip():
            yield number, dict(zip(header, split_columns(path, number, line, len(header)), strict=False))


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        install = 'Install it: pip install "syncse-local[parquet]"; or use JSONL.'
        raise bad_file(path, None, "is Parquet, and pyarrow is not installed", install) from error
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise bad_file(path, None, "is not a complete Parquet file") from error
