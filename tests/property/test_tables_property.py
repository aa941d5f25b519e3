"""Tables in any dialect: each cell is read as it was written, or the file is refused; no part of a row becomes a sentence."""

import csv
import io
import json
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from syncse_local.errors import SyncseError
from syncse_local.text.clean import clean, normalise
from syncse_local.text.ingest import open_input
from syncse_local.text.values import MISSING

PARTS = (
    "a cat",
    "the dog",
    ",",
    ";",
    "\t",
    "|",
    '"',
    "'",
    "\\",
    "\n",
    " ",
    "3,5",
    "#",
    '""',
    '\\"',
    "[1]",
    "{",
    "{x}",
    "é",
    ".",
)
TEXTS = st.lists(st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("".join), min_size=1, max_size=6)
DIALECTS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from(",;\t|"),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    }
)


def sentences(texts: list[str]) -> list[str]:
    """What is to be read of cells: cleaned, each once, without those that say that there is none."""
    kept = [normalise(clean(text)) for text in texts if text.strip() not in MISSING]
    return list(dict.fromkeys(text for text in kept if text))


def read(name: str, content: str, **options: Any) -> list[str] | None:
    """The sentences; None where the file is refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content.encode())
        with suppress(SyncseError):
            return [row.sentence for row in open_input(path, **options)]
        return None


def written(texts: list[str], columns: int, **dialect: Any) -> str:
    """A table of a number, the text and more cells."""
    text = io.StringIO()
    writer = csv.writer(text, **dialect)
    writer.writerow(["id", "text", "score", "note"][:columns])
    for number, each in enumerate(texts):
        writer.writerow([number, each, 0.5, ""][:columns])
    return text.getvalue()


@settings(max_examples=150, deadline=None)
@given(TEXTS, DIALECTS, st.sampled_from(["a.csv", "a.tsv"]), st.integers(2, 4))
def test_a_quoted_table_is_read_as_it_was_written(
    texts: list[str], dialect: dict[str, Any], name: str, columns: int
) -> None:
    found = read(name, written(texts, columns, **dialect))
    assert found is None or found == sentences(texts)


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.sampled_from(",;\t|"), st.booleans())
def test_a_table_with_backslashes_is_read_or_refused(texts: list[str], delimiter: str, quoted: bool) -> None:
    how = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    content = written(texts, 3, delimiter=delimiter, doublequote=False, escapechar="\\", quoting=how)
    found = read("a.csv", content, quoting="backslash")
    assert found is None or found == sentences(texts)


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.booleans())
def test_json_is_read_as_it_was_written(texts: list[str], lines: bool) -> None:
    rows = [{"id": n, "text": text} for n, text in enumerate(texts)]
    content = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows, indent=1)
    found = read("a.json", content)
    wanted = list(dict.fromkeys(text for text in map(normalise, map(clean, texts)) if text))
    assert found == wanted or (found is None and not wanted)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["a.csv", "a.tsv", "a.txt", "a.jsonl", "a.json"]))
def test_anything_is_read_or_refused(content: str, name: str) -> None:
    read(name, content.encode("utf-8", "replace").decode())


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["a.csv", "a.txt", "a.jsonl", "a.csv.gz"]))
def test_any_bytes_are_read_or_refused(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        with suppress(SyncseError):
            list(open_input(path))
