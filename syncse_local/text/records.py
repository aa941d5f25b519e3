"""Records of CSV, TSV, JSONL and Parquet files, streamed. Each error names the file, the line and the next step.

Knows columns as the file has them, not what they mean. pyarrow is loaded only for Parquet.
"""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.lines import LINE_LIMIT, lines

Record = dict[str, Any]
PARQUET_BATCH = 1024
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def _broken(path: Path, problem: str, hint: str) -> SyncseError:
    return SyncseError("Broken input", f"{path}{problem}.", hint, ExitCode.PREFLIGHT)


def _short(error: Exception) -> str:
    """A library's message as part of one line."""
    return " ".join(str(error).split())[:80]


def table_rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, with the line each begins at. A tab-separated file may have quotes and needs none."""
    if delimiter == "\t":
        for number, line in enumerate(lines(path, encoding), 1):
            if line.strip():
                yield number, [_unquoted(field) for field in line.split("\t")]
        return
    csv.field_size_limit(LINE_LIMIT)
    reader = csv.reader((f"{line}\n" for line in lines(path, encoding)), delimiter=delimiter, strict=True)
    while True:
        begin = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            hint = 'Quote fields as "...", and a quote inside one as ""; a file of plain lines should end in .txt.'
            raise _broken(path, f": broken quoting in the row that begins at line {begin} ({error})", hint) from None
        if any(field.strip() for field in row):
            yield begin, row


def _unquoted(field: str) -> str:
    return field[1:-1].replace('""', '"') if _QUOTED.fullmatch(field) else field


def table_records(path: Path, encoding: str, delimiter: str, header: list[str]) -> Iterator[Record]:
    """The rows as records; `header` empty: the file has none, and its one column is named "". Short rows are padded."""
    rows = table_rows(path, encoding, delimiter)
    if header:
        next(rows, None)
    names = header or [""]
    for number, fields in rows:
        if len(fields) > len(names):
            problem = f": the row at line {number} has {len(fields)} fields, and the first row {len(names)}"
            hint = "Put a field with the separator in it in double quotes; a file of plain lines should end in .txt."
            raise _broken(path, problem, hint)
        yield dict(zip(names, fields, strict=False))


def json_records(path: Path, encoding: str) -> Iterator[Record | None]:
    """One record for each line; a line that is a string is a record with the key "". None: the line is too long."""
    for number, line in enumerate(lines(path, encoding), 1):
        if not line.strip():
            continue
        if len(line) > LINE_LIMIT:
            yield None
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            hint = "JSONL has one complete JSON object in each line."
            raise _broken(path, f": line {number} is not JSON ({_short(error)})", hint) from None
        if not isinstance(value, dict | str):
            hint = 'Write each line as an object such as {"sentence": "..."}.'
            raise _broken(path, f": line {number} is neither an object nor a string", hint)
        yield {"": value} if isinstance(value, str) else value


def load_arrow() -> Any:
    """The pyarrow package with its parquet module. Raises SyncseError where it is not installed."""
    try:
        import pyarrow.parquet
    except ImportError:
        hint = 'Install it: pip install "syncse-local[parquet]"; or use CSV or JSONL.'
        raise SyncseError("Parquet needs pyarrow", "It is not installed.", hint, ExitCode.PREFLIGHT) from None
    return pyarrow


def parquet_columns(path: Path) -> list[str]:
    """Column names. Raises SyncseError for a file that is not Parquet."""
    arrow = load_arrow()
    try:
        with arrow.parquet.ParquetFile(path) as file:
            return list(file.schema_arrow.names)
    except (arrow.ArrowException, OSError, ValueError) as error:
        hint = "Check that it was written completely; name a text file .csv, .jsonl or .txt."
        raise _broken(path, f" is not a Parquet file ({_short(error)})", hint) from None


def parquet_records(path: Path, columns: list[str]) -> Iterator[Record]:
    """The records with only these columns."""
    arrow = load_arrow()
    try:
        with arrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=PARQUET_BATCH, columns=columns):
                yield from batch.to_pylist()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise _broken(path, f" is damaged ({_short(error)})", "Write the file again.") from None
