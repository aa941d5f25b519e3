"""Strangers' text in Markdown: file names, model names and settings as code, so that nothing in them is markup.

Knows nothing of what it writes.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence

WIDTH = 200


def code(value: object, width: int = WIDTH) -> str:
    """The text as an inline code span that is safe in a table: one line, cut at `width`.

    Controls, bidi marks and the column sign become visible escapes: readers of tables differ on an escaped sign.
    """
    shown = "".join(map(_visible, str(value)))
    shown = shown if len(shown) <= width else shown[: width - 1] + "…"
    if not shown.strip():
        return "(empty)"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    space = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{space}{shown}{space}{fence}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table; its cells are Markdown already."""
    lines = [f"| {' | '.join(cells)} |" for cells in (header, *rows)]
    lines.insert(1, "|" + "---|" * len(header))
    return lines


def _visible(char: str) -> str:
    if char == "|" or unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return f"\\u{ord(char):04x}"
    return char
