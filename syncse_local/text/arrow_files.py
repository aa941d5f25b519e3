"""Records of Parquet and Arrow files, streamed. pyarrow is loaded only here. Knows columns as the file has them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from syncse_local.errors import ExitCode, SyncseError

Record = dict[str, Any]
BATCH = 1024
"""Rows taken out of a file at a time: enough for its speed, and few where cells are pages."""


def load_arrow() -> Any:
    """The pyarrow package with its parquet module. Raises SyncseError where it is not installed."""
    try:
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        hint = 'Install it: pip install "syncse-local[parquet]"; or use CSV or JSONL.'
        raise SyncseError("Parquet needs pyarrow", "It is not installed.", hint, ExitCode.PREFLIGHT) from None
    return pyarrow


def arrow_columns(path: Path, kind: str) -> list[str]:
    """Column names. Raises SyncseError for a file that is not of this kind."""
    arrow = load_arrow()
    try:
        if kind == "parquet":
            with arrow.parquet.ParquetFile(path) as file:
                return list(file.schema_arrow.names)
        with arrow.memory_map(str(path)) as source:
            return list(_ipc(arrow, source).schema.names)
    except (arrow.ArrowException, OSError, ValueError) as error:
        what = "a Parquet file" if kind == "parquet" else "an Arrow file"
        hint = "Check that it was written completely; name a text file .csv, .jsonl or .txt."
        raise _broken(path, f" is not {what} ({_short(error)})", hint) from None


def arrow_records(path: Path, kind: str, columns: list[str]) -> Iterator[Record]:
    """The records with only these columns."""
    arrow = load_arrow()
    try:
        if kind == "parquet":
            with arrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=BATCH, columns=columns):
                    yield from batch.to_pylist()
            return
        with arrow.memory_map(str(path)) as source:
            reader = _ipc(arrow, source)
            streamed = isinstance(reader, arrow.ipc.RecordBatchStreamReader)
            batches = reader if streamed else map(reader.get_batch, range(reader.num_record_batches))
            for batch in batches:
                for start in range(0, batch.num_rows, BATCH):
                    yield from batch.select(columns).slice(start, BATCH).to_pylist()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise _broken(path, f" is damaged ({_short(error)})", "Write the file again.") from None


def _ipc(arrow: Any, source: Any) -> Any:
    """A reader of Arrow's file layout (Feather), or of its stream, which datasets keeps."""
    try:
        return arrow.ipc.open_file(source)
    except arrow.ArrowInvalid:
        source.seek(0)
        return arrow.ipc.open_stream(source)


def _broken(path: Path, problem: str, hint: str) -> SyncseError:
    return SyncseError("Broken input", f"{path}{problem}.", hint, ExitCode.PREFLIGHT)


def _short(error: Exception) -> str:
    """A library's message as part of one line."""
    return " ".join(str(error).split())[:80]
