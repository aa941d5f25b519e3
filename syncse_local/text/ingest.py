"""Input files to sentences: text, tables, JSON, Parquet and Arrow, streamed, with what was taken and what was left out.

Every text is cleaned (see `clean`); knows nothing of prompts or the store.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text import columns
from syncse_local.text.arrow_files import arrow_columns, arrow_records
from syncse_local.text.clean import clean, key_of_normal, normalise, sentence_key
from syncse_local.text.columns import check_complete, choose_columns
from syncse_local.text.encodings import recognise
from syncse_local.text.files import BINARY, check_file, kind_of
from syncse_local.text.json_files import json_records
from syncse_local.text.lines import check_encoding, lines
from syncse_local.text.plain import recognise_plain
from syncse_local.text.recognise import How, recognise_table
from syncse_local.text.tables import Table
from syncse_local.text.values import PRINTED, cell_value, text_of

MAX_CHARS = 2_000
"""Characters of a text; a sentence encoder reads the first few hundred of a longer one."""
LOOK_RECORDS = 1_000
"""Records whose keys count as the columns: a key may be absent from the first ones."""
REASONS = ("empty", "incomplete", "too_long", "not_text", "duplicate", "repeated_header")
UTF8 = ("utf-8", "utf-8-sig")
Record = dict[str, Any]
Records = Callable[[], Iterator[Record | str]]


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

    def __init__(self, path: Path, mapping: columns.Mapping, records: Records, unique_by: str, complete: bool) -> None:
        self.path, self.mapping, self._records = path, mapping, records
        self._unique_by, self._complete = unique_by, complete
        self._skipped = Counter[str]()
        self.left_out = 0
        """Rows that the last iteration left out; one may count under several reasons."""

    def skipped(self) -> dict[str, int]:
        """Rows that the last iteration left out, by those of REASONS that occurred."""
        return {reason: self._skipped[reason] for reason in REASONS if self._skipped[reason]}

    def __iter__(self) -> Iterator[InputRow]:
        self._skipped, self.left_out = Counter(), 0
        seen: set[int] = set()
        for record in self._records():
            row = self._row(record)
            if isinstance(row, InputRow):
                whole = (
                    row.key if self._unique_by == "sentence" else sentence_key("\x1f".join(t or "" for t in row[:3]))
                )
                digest = int(whole[:16], 16)
                if digest not in seen:
                    seen.add(digest)
                    yield row
                    continue
                row = {"duplicate"}
            self._skipped.update(row)
            self.left_out += 1
        if not seen:
            counts = ", ".join(f"{count} {reason}" for reason, count in self.skipped().items()) or "no rows"
            hint = "Give a file with at least one sentence."
            if self._skipped["not_text"]:
                hint = f'Name a column of texts with --column: "{self.mapping.sentence}" has other values.'
            raise SyncseError("No sentences", f"{self.path} has no usable row ({counts}).", hint, ExitCode.NOTHING)

    def _row(self, record: Record | str) -> InputRow | set[str]:
        """The row of a record, or the reasons why there is none."""
        if isinstance(record, str):
            return {record}
        taken = self.mapping
        texts, wrong = list[str](), list[str]()
        for column in (taken.sentence, taken.positive, taken.negative):
            text, reason = ("", "") if column is None else text_of(record.get(column))
            text = normalise(clean(text)) if text and len(text) <= MAX_CHARS else text
            texts.append(text if len(text) <= MAX_CHARS else "")
            wrong.append(reason or ("too_long" if len(text) > MAX_CHARS else "" if text else "missing"))
        if self._complete:
            reasons = {reason for reason in wrong if reason not in ("", "missing")}
            reasons |= {"incomplete"} if "missing" in wrong[1:] else set()
            reasons |= {"empty"} if wrong[0] == "missing" else set()
        else:
            reasons = {"empty" if wrong[0] == "missing" else wrong[0]} - {""}
        return reasons or InputRow(texts[0], texts[1] or None, texts[2] or None, key_of_normal(texts[0]))


def open_input(
    path: Path | str,
    column: str | None = None,
    encoding: str | None = None,
    positive: str | None = None,
    negative: str | None = None,
    unique_by: Literal["sentence", "row"] = "sentence",
    separator: str | None = None,
    quoting: str | None = None,
    header: str | None = None,
    complete: bool = False,
) -> Input:
    """Look at the file and decide what is taken from it; rows are read when the result is iterated.

    `column`, `positive` and `negative` name columns instead of the known names; `encoding`, `separator`, `quoting` and
    `header` say what is recognised otherwise. `unique_by` row keeps several pairs of one sentence; `complete` leaves out
    rows without a positive or negative. Raises SyncseError for anything that cannot be such an input.
    """
    path, how = Path(path), How.of(separator, quoting, header)
    check_file(path)
    kind = kind_of(path)
    names = (column, positive, negative)
    if kind in BINARY:
        mapping = choose_columns(kind, arrow_columns(path, kind), path.name, *names)
        wanted = [c for c in (mapping.sentence, mapping.positive, mapping.negative) if c is not None]
        records: Records = partial(arrow_records, path, kind, list(dict.fromkeys(wanted)))
    else:
        codec = check_encoding(encoding) if encoding else recognise(path)
        mapping, records = _text_input(path, kind, codec, how, names)
        mapping = replace(mapping, encoding="" if encoding or codec in UTF8 else codec)
    if complete:
        check_complete(mapping, path.name)
    return Input(path, _with_lists(mapping, records), records, unique_by, complete)


Names = tuple[str | None, str | None, str | None]


def _text_input(path: Path, kind: str, codec: str, how: How, names: Names) -> tuple[columns.Mapping, Records]:
    said = "" if codec in UTF8 else f", {codec}"
    found: Table | str = kind
    if kind == "txt":
        found = recognise_plain(path, codec, how, names[0])
    elif kind in ("csv", "tsv"):
        found = recognise_table(path, codec, kind, how, names[0])
    if isinstance(found, Table):
        own = (kind, found.dialect.separator) in (("csv", ","), ("tsv", "\t")) and found.dialect.quoting in (
            "double",
            "none",
        )
        label = f"{kind}{'' if own else f', {found.dialect}'}{said}"
        mapping = _table_mapping(path, label, found, names)
        return mapping, partial(_table_records, path, codec, found, mapping)
    if found == "txt":
        return columns.Mapping(f"txt{said}"), partial(_line_records, path, codec)
    records = partial(json_records, path, codec)
    return _json_mapping(path, f"{'jsonl' if kind == 'txt' else kind}{said}", records, names), records


def _line_records(path: Path, codec: str) -> Iterator[Record | str]:
    return ({"": line} for line in lines(path, codec))


def _table_records(path: Path, codec: str, table: Table, mapping: columns.Mapping) -> Iterator[Record | str]:
    header = list(table.header)
    named = (mapping.sentence, mapping.positive, mapping.negative)
    places = [(name, header.index(name)) for name in dict.fromkeys(named) if name is not None]
    for row in table.rows(path, codec):
        if row[-1] == header[-1] and row == header:
            yield "repeated_header"  # of a file that was put together from several
        else:
            yield {name: cell_value(row[place]) for name, place in places}


def _table_mapping(path: Path, label: str, table: Table, names: Names) -> columns.Mapping:
    if table.header == ("",):
        return columns.Mapping(label, note=" (one column and no header)")
    only = table.header[0] if len(table.header) == 1 and not any(names) else None
    mapping = choose_columns(label, table.header, path.name, names[0] or only, *names[1:])
    before = table.before - table.has_header
    notes = [
        *(["obeys its line sep="] if table.skipped_lines else []),
        *([f"{before} rows left out above the data"] if before else []),
    ]
    return replace(mapping, note=f" ({', '.join(notes)})") if notes else mapping


def _json_mapping(path: Path, label: str, records: Records, names: Names) -> columns.Mapping:
    sample = [record for record in islice(records(), LOOK_RECORDS) if not isinstance(record, str)]
    if not sample:
        raise SyncseError("Empty input", f"{path} has no rows.", "Give a file with sentences.", ExitCode.NOTHING)
    keys = list(dict.fromkeys(key for record in sample for key in record))
    if keys == [""]:
        return columns.Mapping(label)
    return choose_columns(label, keys, path.name, *names)


def _with_lists(mapping: columns.Mapping, records: Records) -> columns.Mapping:
    """The mapping with a note on columns of lists, of which the first text is taken.

    Raises SyncseError (USAGE) where lists were written as Python or NumPy print them, and cannot be told from text.
    """
    if not mapping.columns:
        return mapping
    sample = [record for record in islice(records(), LOOK_RECORDS) if not isinstance(record, str)]
    taken = [name for name in (mapping.sentence, mapping.positive, mapping.negative) if name]
    lists = [name for name in taken if any(isinstance(record.get(name), list) for record in sample)]
    for name in taken:
        values = [value for record in sample if (value := record.get(name))]
        if values and all(isinstance(value, str) and PRINTED.match(value) for value in values):
            detail = f'In column "{name}" each cell is a list written as text: {values[0][:60]}'
            hint = "Write the file as JSON Lines or Parquet, where lists stay lists, or one text a cell."
            raise SyncseError("Lists in a table of text", detail, hint, ExitCode.USAGE)
    if not lists:
        return mapping
    return replace(mapping, note=f"{mapping.note}; the first text of each list in {', '.join(lists)}")
