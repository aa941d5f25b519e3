"""Intervals as dots and whiskers in a line of text, `├──●──┤`, on an axis that they share. Knows no study and no widget."""

from tui.widgets.axis import Axis

DOT, ENDS, LINE, BEYOND = "●", "├┤", "─", "◂▸"


def whisker(axis: Axis, value: float, interval: tuple[float, float] | None, mark: float | None = None) -> str:
    """One line of `axis.cells` characters; `mark` draws a dotted upright at a value, as at 0. No interval: the dot alone."""
    cells = [" "] * axis.cells
    if mark is not None and axis.low <= mark <= axis.high:
        cells[axis.cell(mark)] = "┊"
    if interval is not None:
        start, end = (axis.cell(edge) for edge in interval)
        cells[start : end + 1] = LINE * (end + 1 - start)
        for at, edge, shape, beyond in zip((start, end), interval, ENDS, BEYOND, strict=True):
            cells[at] = shape if axis.low <= edge <= axis.high else beyond
    cells[axis.cell(value)] = DOT
    return "".join(cells)
