"""A line over (x, y) points in Braille characters, two by four dots a cell. Knows neither axes' labels nor widgets."""

from collections.abc import Sequence
from itertools import pairwise

from tui.widgets.axis import Axis

BLANK = 0x2800
"""U+2800, the pattern without a dot; the others follow by their dots' bits."""
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""The bit of a dot in its cell, by column and by row from the top."""


def line(points: Sequence[tuple[float, float]], across: Axis, up: Axis) -> list[str]:
    """The rows from the top, `across.cells` characters each; points in order of x. Points that share a column are averaged."""
    cells = [[0] * across.cells for _ in range(up.cells)]
    tallest = 4 * up.cells - 1
    last: int | None = None
    for column, value in _course(points, across):
        height = round(up.place(value) * tallest)
        begin = height if last is None else last
        for dot in range(min(begin, height), max(begin, height) + 1):
            row, inner = divmod(tallest - dot, 4)
            cells[row][column // 2] |= DOTS[column % 2][inner]
        last = height
    return ["".join(chr(BLANK + bits) if bits else " " for bits in row) for row in cells]


def _course(points: Sequence[tuple[float, float]], across: Axis) -> list[tuple[int, float]]:
    """(dot column, value) for every column from the first point to the last, straight between points."""
    columns: dict[int, list[float]] = {}
    for x, y in points:
        columns.setdefault(round(across.place(x) * (2 * across.cells - 1)), []).append(y)
    means = [(column, sum(values) / len(values)) for column, values in columns.items()]
    course = means[:1]
    for (start, before), (end, after) in pairwise(means):
        share = (after - before) / (end - start)
        course += [(column, before + share * (column - start)) for column in range(start + 1, end + 1)]
    return course
