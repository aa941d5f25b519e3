"""Tables of plain cells as CSV, Markdown and LaTeX, with every cell made inert for its format. Knows no score."""

import csv
import io
import re

from syncse_local.text.display import safe

Table = tuple[list[str], list[list[str]]]
"""A header and rows of the same length."""
FORMATS = ("csv", "markdown", "latex")
_NUMBERS = re.compile(r"-|[+-]?[0-9.]+( to [+-]?[0-9.]+)?")


def render(form: str, table: Table) -> str:
    """The table as CSV, Markdown or LaTeX (booktabs), names escaped for it."""
    header, *rows = [[_line(cell) for cell in row] for row in (table[0], *table[1])]
    return {"csv": _csv, "markdown": _markdown, "latex": _latex}[form](header, rows)


def _line(cell: str) -> str:
    """A cell on one line: spaces for line breaks, for LaTeX has no sign of them in its fonts."""
    return safe(" ".join(cell.split()))


def _csv(header: list[str], rows: list[list[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([[_inert(cell) for cell in row] for row in (header, *rows)])
    return out.getvalue().rstrip("\n")


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers and intervals keep their sign."""
    return f"'{cell}" if cell.startswith(("=", "@", "+", "-")) and not _NUMBERS.fullmatch(cell) else cell


def _markdown(header: list[str], rows: list[list[str]]) -> str:
    first, *others = [[_marked(cell) for cell in row] for row in (header, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (first, ["---"] * len(header), *others))


def _marked(cell: str) -> str:
    return "".join(f"\\{char}" if char in "\\`*_[]<>|#" else char for char in cell)


_TEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
}


def _latex(header: list[str], rows: list[list[str]]) -> str:
    lines = [" & ".join(map(_tex, row)) + r" \\" for row in (header, *rows)]
    top = f"\\begin{{tabular}}{{{'l' * len(header)}}}\n\\toprule\n{lines[0]}\n\\midrule\n"
    return top + "\n".join(lines[1:]) + "\n\\bottomrule\n\\end{tabular}"


def _tex(cell: str) -> str:
    return "".join(_TEX.get(char, char) for char in cell)
