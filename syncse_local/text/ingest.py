"""Input files to sentences: .txt, .csv, .tsv, .jsonl and .parquet, streamed, with what was taken and what was skipped.

Every text is cleaned (see `text`); knows nothing of prompts or the store.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.clean import clean, key_of_normal, normalise, sentence_key
from syncse_local.text.columns import Mapping, choose_columns, knows
from syncse_local.text.lines import check_encoding, check_file, lines
from syncse_local.text.records import (
    Record,
    json_records,
    parquet_columns,
    parquet_records,
    table_records,
    table_rows,
)

MAX_CHARS = 2_000
FORMATS = {
    ".txt": "txt", ".text": "txt", ".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip
REASONS = ("empty", "duplicate", "too_long", "not_text")
Records = Callable[[], Iterator[Record | None]]


class InputRow(NamedTuple):
    """One distinct sentence, cleaned; its positive and negative where the file has them; the sentence's key."""

    sentence: str
    positive: str | None
    negative: str | None
    key: str


class Input:
    """An input file that can be iterated again and again; `mapping` says what is taken from it.

    Iterating raises SyncseError where the file is broken and, code NOTHING, at its end where no row could be used.
    """

    def __init__(self, path: Path, mapping: Mapping, records: Records, unique_by: str) -> None:
        self.path, self.mapping, self._records, self._unique_by = path, mapping, records, unique_by
        self._skipped = dict.fromkeys(REASONS, 0)

    def skipped(self) -> dict[str, int]:
        """Rows that the last iteration left out, by reason: empty, duplicate, over MAX_CHARS, not text."""
        return dict(self._skipped)

    def __iter__(self) -> Iterator[InputRow]:
        self._skipped = dict.fromkeys(REASONS, 0)
        seen: set[int] = set()
        for record in self._records():
            row = self._row(record)
            if isinstance(row, str):
                self._skipped[row] += 1
                continue
            whole = row.key if self._unique_by == "sentence" else sentence_key("\x1f".join(t or "" for t in row[:3]))
            digest = int(whole[:16], 16)
            if digest in seen:
                self._skipped["duplicate"] += 1
                continue
            seen.add(digest)
            yield row
        if not seen:
            counts = ", ".join(f"{count} {reason}" for reason, count in self._skipped.items() if count) or "no rows"
            hint = "Give a file with at least one sentence."
            raise SyncseError("No sentences", f"{self.path} has no usable row ({counts}).", hint, ExitCode.NOTHING)

    def _row(self, record: Record | None) -> InputRow | str:
        """The row of a record, or the reason why there is none."""
        if record is None:
            return "too_long"
        texts = []
        for column in (self.mapping.sentence, self.mapping.positive, self.mapping.negative):
            value = "" if column is None else record.get(column)
            if value is not None and not isinstance(value, str):
                return "not_text"
            if value and len(value) > MAX_CHARS:
                return "too_long"
            texts.append(normalise(clean(value)) if value else "")
        if not texts[0]:
            return "empty"
        return InputRow(texts[0], texts[1] or None, texts[2] or None, key_of_normal(texts[0]))


def open_input(
    path: Path | str,
    column: str | None = None,
    encoding: str | None = None,
    positive: str | None = None,
    negative: str | None = None,
    unique_by: Literal["sentence", "row"] = "sentence",
) -> Input:
    """Look at the file and decide what is taken from it; rows are read when the result is iterated.

    `column`, `positive` and `negative` name columns instead of the known names; `encoding` defaults to UTF-8;
    `unique_by` row keeps several pairs of one sentence. Raises SyncseError for anything that cannot be such an input.
    """
    path = Path(path)
    check_file(path)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        detail = f'{path} ends in "{path.suffix}".'
        hint = f"Use one of {', '.join(FORMATS)}; .txt is one sentence per line."
        raise SyncseError("Unknown input format", detail, hint, ExitCode.USAGE)
    names = (column, positive, negative)
    if kind == "parquet":
        mapping = choose_columns(kind, parquet_columns(path), path.name, *names)
        wanted = [c for c in (mapping.sentence, mapping.positive, mapping.negative) if c is not None]
        return Input(path, mapping, lambda: parquet_records(path, wanted), unique_by)
    codec = check_encoding(encoding or "utf-8")
    if kind == "txt":
        if any(names):
            raise SyncseError("No columns", f"{path} is plain text.", "Leave --column away.", ExitCode.USAGE)
        return Input(path, Mapping(kind), lambda: ({"": line} for line in lines(path, codec)), unique_by)
    if kind == "jsonl":
        return Input(path, _json_mapping(path, codec, names), lambda: json_records(path, codec), unique_by)
    mapping, delimiter, header = _table_mapping(path, kind, codec, names)
    return Input(path, mapping, lambda: table_records(path, codec, delimiter, header), unique_by)


def _empty(path: Path) -> SyncseError:
    return SyncseError("Empty input", f"{path} has no rows.", "Give a file with sentences.", ExitCode.NOTHING)


Names = tuple[str | None, str | None, str | None]


def _json_mapping(path: Path, codec: str, names: Names) -> Mapping:
    first = next((record for record in islice(json_records(path, codec), 100) if record is not None), None)
    if first is None:
        raise _empty(path)
    if list(first) == [""]:
        return Mapping("jsonl")
    return choose_columns("jsonl", list(first), path.name, *names)


def _table_mapping(path: Path, kind: str, codec: str, names: Names) -> tuple[Mapping, str, list[str]]:
    """The mapping, the delimiter, and the header (empty where one unnamed column is all there is)."""
    delimiters = "\t" if kind == "tsv" else ",;\t"
    headers: list[list[str]] = []
    for delimiter in delimiters:
        row = next(table_rows(path, codec, delimiter), None)
        if row is None:
            raise _empty(path)
        headers.append(row[1])
        if knows(row[1]) or (names[0] and names[0] in row[1]):
            return choose_columns(kind, row[1], path.name, *names), delimiter, row[1]
    if len(headers[0]) == 1 and not any(names):
        return Mapping(kind, note=" (one column and no known header)"), delimiters[0], []
    return choose_columns(kind, headers[0], path.name, *names), delimiters[0], headers[0]
