"""Intervals as dots and whiskers in a line of text, `├──●──┤`, on an axis that they share. Knows no study and no widget."""

from collections.abc import Mapping
from types import MappingProxyType

from tui.widgets.axis import Axis

DOT, ENDS, LINE, BEYOND = "●", "├┤", "─", "◂▸"


def whisker(
    axis: Axis, value: float, interval: tuple[float, float] | None, marks: Mapping[float, str] = MappingProxyType({})
) -> str:
    """One line of `axis.cells` characters; `marks` are characters at values, behind the rest. No interval: the dot alone."""
    cells = [" "] * axis.cells
    for place, shape in marks.items():
        if axis.low <= place <= axis.high:
            cells[axis.cell(place)] = shape
    if interval is not None:
        start, end = (axis.cell(edge) for edge in interval)
        cells[start : end + 1] = LINE * (end + 1 - start)
        for at, edge, shape, beyond in zip((start, end), interval, ENDS, BEYOND, strict=True):
            cells[at] = shape if axis.low <= edge <= axis.high else beyond
    cells[axis.cell(value)] = DOT
    return "".join(cells)
