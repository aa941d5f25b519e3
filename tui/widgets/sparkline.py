"""A course of values in one line of text, `▁▂▅▇`. Knows numbers and columns; knows no widget."""

from collections.abc import Sequence
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int, low: float | None = None, high: float | None = None) -> str:
    """At most `width` characters, the newest value last; values that share a column are averaged.

    The bars go from `low` to `high`, by default from zero, or the lowest value below it, to the highest.
    """
    if not values or width < 1:
        return ""
    columns = min(width, len(values))
    edges = [round(at * len(values) / columns) for at in range(columns + 1)]
    means = [sum(values[start:end]) / (end - start) for start, end in pairwise(edges)]
    floor = min(0.0, *means) if low is None else low
    room = (max(means) if high is None else high) - floor
    return "".join(_bar((value - floor) / room if room > 0 else 0.0) for value in means)


def _bar(share: float) -> str:
    return BARS[min(len(BARS) - 1, max(0, int(share * len(BARS))))]
