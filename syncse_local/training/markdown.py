"""Strangers' text in Markdown: file names, model names and settings as code, so that nothing in them is markup.

Knows nothing of what it writes.
"""

import re
from collections.abc import Iterable, Sequence

from syncse_local.text.display import safe

WIDTH = 200
"""Characters of a value in the card: a long path is whole, a prompt is not."""


def code(value: object, width: int = WIDTH) -> str:
    """The text as an inline code span that is safe in a table: made safe, one line, cut at `width`.

    The column sign becomes a visible escape: readers of tables differ on one with a backslash.
    """
    shown = safe(value, width).replace("|", "\\u007c")
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
