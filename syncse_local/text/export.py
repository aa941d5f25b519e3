"""Triplets to CSV, JSONL and Parquet files: whole or not at all, in constant memory. Knows no store.

The training view is CSV with sent0, sent1, hard_neg (SimCSE's names), and JSONL and Parquet with anchor, positive,
negative (sentence-transformers' names). The full view has whatever fields the rows have.
"""

import csv
import errno
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Triplet
from syncse_local.text.arrow_files import load_arrow

Row = Mapping[str, object]
NAMES = {
    "csv": ("sent0", "sent1", "hard_neg"),
    "jsonl": ("anchor", "positive", "negative"),
    "parquet": ("anchor", "positive", "negative"),
}
PARQUET_BATCH = 10_000
"""Rows of a row group: constant memory, some MB each."""
_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up", errno.EROFS: "it is read-only"}


def format_of(path: Path, given: str | None = None) -> str:
    """csv, jsonl or parquet, as given or by the file's ending. Raises SyncseError for another."""
    name = (given or path.suffix.lstrip(".")).lower()
    if name not in NAMES:
        hint = "End the file in .csv, .jsonl or .parquet, or pass --format."
        raise SyncseError("Unknown export format", f'"{name}" is no format.', hint, ExitCode.USAGE)
    return name


def write_triplets(
    triplets: Iterable[Triplet], path: Path, format: str | None = None, *, overwrite: bool = False
) -> int:
    """Write the training view; returns how many rows. Raises SyncseError (code NOTHING for none) and leaves no file."""
    names = NAMES[format_of(path, format)]
    rows = (dict(zip(names, (t.sentence, t.positive, t.negative), strict=True)) for t in triplets)
    return write_rows(rows, path, format, overwrite=overwrite)


def write_rows(rows: Iterable[Row], path: Path, format: str | None = None, *, overwrite: bool = False) -> int:
    """Write rows with all their fields; the first row's keys are the columns, and lists and tables become JSON text.

    Returns how many. Raises SyncseError (code NOTHING for no rows, PREFLIGHT for a disk that cannot be written) and
    leaves neither a half-written file nor a changed one.
    """
    write = _WRITERS[format_of(path, format)]
    if path.is_dir():
        raise SyncseError("Cannot export", f"{path} is a directory.", "Give the path of a file.", ExitCode.USAGE)
    if path.exists() and not overwrite:
        hint = "Give another path, or pass --force to replace it."
        raise SyncseError("The file exists", f"{path} would be replaced.", hint, ExitCode.USAGE)
    pending = iter(rows)
    first = next(pending, None)
    if first is None:
        hint = "Look at `syncse runs`: the run may have no accepted triplets."
        raise SyncseError("Nothing to export", "There are no rows.", hint, ExitCode.NOTHING)
    with _replacing(path) as temporary:
        return write(chain([first], pending), tuple(first), temporary)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A new file beside the target that takes its place at the end, or goes away on any exception."""
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.tmp")
    try:
        # Created first, so that a folder that cannot be written is an error before any row is asked for.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except OSError as error:
        reason = _FULL.get(error.errno or 0, error.strerror or str(error))
        hint = "Nothing was written. Free some space, or choose another folder."
        raise SyncseError("Cannot export", f"{path}: {reason}.", hint, ExitCode.PREFLIGHT) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _fields(row: Row, columns: tuple[str, ...]) -> list[Any]:
    """The row's values in column order. Raises SyncseError for a field that the first row does not have."""
    if not row.keys() <= set(columns):
        extra = ", ".join(sorted(row.keys() - set(columns)))
        raise SyncseError("Uneven rows", f"A later row has the fields {extra}.", "Export fewer fields.")
    return [_plain(row.get(name)) for name in columns]


def _plain(value: object) -> object:
    """Text that UTF-8 can hold, numbers and None as they are, everything else as JSON text."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    return value if value is None or isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)


def _write_csv(rows: Iterable[Row], columns: tuple[str, ...], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow(_fields(row, columns))
            count += 1
    return count


def _write_jsonl(rows: Iterable[Row], columns: tuple[str, ...], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as handle:
        for row in rows:
            _fields(row, columns)
            data = {name: _plain(value) if isinstance(value, str) else value for name, value in row.items()}
            # ASCII escapes: U+2028 and its like are line breaks to some readers of JSONL.
            handle.write(json.dumps(data) + "\n")
            count += 1
    return count


def _write_parquet(rows: Iterable[Row], columns: tuple[str, ...], path: Path) -> int:
    arrow = load_arrow()
    pending, count = iter(rows), 0
    batch = _batch(pending, columns)
    try:
        schema = arrow.schema([(name, _arrow_type(arrow, values)) for name, values in zip(columns, batch, strict=True)])
        with arrow.parquet.ParquetWriter(path, schema) as writer:
            while batch:
                arrays = [arrow.array(values, type=field.type) for values, field in zip(batch, schema, strict=True)]
                writer.write_table(arrow.Table.from_arrays(arrays, schema=schema))
                count += len(batch[0])
                batch = _batch(pending, columns)
    except (arrow.ArrowInvalid, arrow.ArrowTypeError) as error:
        detail = f"A column changes its type ({str(error)[:100]})."
        raise SyncseError("Cannot export as Parquet", detail, "Export as JSONL instead.") from None
    return count


def _batch(rows: Iterator[Row], columns: tuple[str, ...]) -> list[list[Any]]:
    """The next rows by column; empty at the end."""
    return [list(column) for column in zip(*(_fields(r, columns) for r in islice(rows, PARQUET_BATCH)), strict=True)]


def _arrow_type(arrow: Any, values: list[Any]) -> Any:
    """The column type for the first batch of values: bool, int64, float64, else string."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return arrow.bool_()
    if kinds == {int}:
        return arrow.int64()
    return arrow.float64() if kinds and kinds <= {int, float} else arrow.string()


_WRITERS: dict[str, Callable[[Iterable[Row], tuple[str, ...], Path], int]] = {
    "csv": _write_csv,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
