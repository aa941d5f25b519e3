"""Whether a .txt file is what its name says, a sentence a line, or a table or JSON Lines under that name.

Excel's "Unicode text", R's write.table, corpora of numbered sentences and other exports are. Knows no sentences.
"""

import json
import re
from pathlib import Path

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.text.columns import knows
from syncse_local.text.dialects import QUOTED, Dialect
from syncse_local.text.recognise import NAME, Head, How, cut, only, recognise_table, unreadable
from syncse_local.text.tables import Attempt, Table

_LIKE_JSON = re.compile(r'\s*(\{\s*"|\[\s*([{"\[]|$))')


def recognise_plain(path: Path, encoding: str, how: How, wanted: str | None) -> Table | str:
    """The table that the file is; "json" where it is that; else "txt". Raises SyncseError where it is not certain."""
    if how.separator == "":
        return "txt"
    head = Head(path, encoding, "txt", how, wanted)
    first = next((line for line in head.lines if line.strip()), "")
    if how != How() or head.named is not None:
        return recognise_table(path, encoding, "txt", how, wanted)
    if _LIKE_JSON.match(first) and _is_json(first):
        return "json"
    wide = [a for a in head.tried if a.table and len(a.table.header) > 1 and a.rows]
    if known := [a for a in wide if head.is_known(a) and (wanted or _has_names(a))]:
        return only(head, known)
    if any(len(a.first) > 1 and knows(a.first) and _has_names(a) for a in head.tried):
        raise unreadable(head)
    if wanted:
        raise SyncseError("No columns", f"{path} is plain text.", "Leave --column away.", ExitCode.USAGE)
    if NAME.fullmatch(first) and knows([first]):
        return Table(Dialect("", "none"), (first,))
    quoted = first.startswith('"') and all(line.startswith('"') for line in head.lines if line.strip())
    spaced = [a for a in head.attempts(" ") if a.table and len(a.table.header) > 1 and a.rows] if quoted else []
    if known := [a for a in spaced if head.is_known(a)]:
        return only(head, known)
    if likely := [a for a in [*wide, *spaced] if quoted or (a.dialect.separator in "\t|" and _is_filled(a))]:
        raise _table_or_lines(path, likely[0], first)
    if quoted and all(QUOTED.fullmatch(line.strip()) for line in head.lines[1:] if line.strip()):  # as R writes texts
        name = Dialect("", "none").cell(first)
        named = knows([name])
        return Table(Dialect("", "none"), (name if named else "",), int(named), has_header=named)
    return "txt"


def _is_json(line: str) -> bool:
    try:
        return isinstance(json.loads(line.rstrip().rstrip(",")), dict | list)
    except (ValueError, RecursionError):
        return line.strip() in ("[", "{") or line.lstrip().startswith(("[{", '{"'))


def _has_names(found: Attempt) -> bool:
    """Whether each cell of the header is a word, as no sentence's parts are."""
    return all(NAME.fullmatch(cell) for cell in found.first if cell)


def _is_filled(found: Attempt) -> bool:
    """Whether two columns have something in them: lines that end in a tab are lines."""
    return sum(any(row[i].strip() for row in found.rows) for i in range(len(found.rows[0]))) > 1


def _table_or_lines(path: Path, found: Attempt, line: str) -> SyncseError:
    cells = " | ".join(found.first)
    return SyncseError(
        "Lines or a table?",
        f"In {path} each line has {len(found.first)} parts: its first is the sentence {cut(line)!r}, or a row of cells, "
        f"{cut(cells)!r}.",
        f"For a table add --separator {found.dialect.name} and --column NAME (or --header no --column NUMBER); for lines "
        "--separator none.",
        ExitCode.USAGE,
    )
