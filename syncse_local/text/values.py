"""The text that a value of a table is: strings as they are, the first of a list, nothing for what is missing."""

import json
import re
from typing import Any

PRINTED = re.compile(r"""\[\s*['"].*['"]\s*\]\s*""", re.DOTALL)
"""A list as Python or NumPy prints it."""

MISSING = frozenset(
    ("NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "None", "<NA>", "\\N", "(null)", "#NULL!")
)
"""Cells that say that there is none: of R, pandas, Excel, SQL and SPSS. A sentence has more to it."""


LONGEST = 12
"""Characters of a missing cell with some spaces around it: longer ones need no look-up."""


def cell_value(cell: str) -> Any:
    """What a cell of text stands for: nothing where it says so, a list where it is one in JSON, else itself."""
    if cell[:1] == "[" and PRINTED.fullmatch(cell):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            return cell
    return "" if len(cell) <= LONGEST and cell.strip() in MISSING else cell


def text_of(value: Any) -> tuple[str, str]:
    """The text of a value, and a reason ("not_text") why there is none; both empty where it is missing."""
    if isinstance(value, str):
        return value, ""
    if value is None or value != value:  # NaN is not equal to itself
        return "", ""
    if isinstance(value, list | tuple):
        found = [text_of(item) for item in value]
        return next((pair for pair in found if pair[0].strip()), found[0] if found else ("", ""))
    if isinstance(value, dict) and isinstance(value.get("text"), str):  # a passage of Tevatron's or DPR's
        return value["text"], ""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8"), ""
        except UnicodeDecodeError:
            return "", "not_text"
    return "", "not_text"
