"""What every verb prints with: plain lines or JSON, tables, errors as title, sentence, next step."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from syncse_local.errors import SyncseError
from syncse_local.text.display import safe


def emit(data: Any) -> None:
    """One JSON document on one line of standard output."""
    print(json.dumps(data, ensure_ascii=True, default=str), flush=True)


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Left-aligned columns; numbers are right-aligned."""
    cells = [[_cell(c) for c in row] for row in (header, *rows)]
    numeric = [all(_is_number(row[i]) for row in cells[1:]) for i in range(len(header))]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    lines = []
    for row in cells:
        pairs = zip(row, widths, numeric, strict=True)
        lines.append("  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in pairs).rstrip())
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else safe(value)


def _is_number(text: str) -> bool:
    return text == "-" or text.lstrip("+-").replace(".", "", 1).replace(",", "").isdigit()


def print_error(error: SyncseError, as_json: bool = False) -> None:
    """The error on standard error: title, one sentence, the next step."""
    if as_json:
        emit({"error": error.as_dict()})
    else:
        print(f"{safe(error.title)}: {safe(error.detail)}\n  {safe(error.hint)}", file=sys.stderr, flush=True)
