"""Axes of charts made of characters: round values for the ticks, their labels, and the two lines below a chart.

Knows numbers and columns; knows no widget.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

ROUND = (1.0, 2.0, 5.0)
"""A tick's step is one of these, times a power of ten: what people read without reckoning."""
LABEL_GAP = 2
"""Columns between two labels."""
MOST_DECIMALS, LARGE = 5, 1e9
"""Beyond these a label is written with an exponent."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Values from `low` to `high` over `cells` characters. Raises ValueError for a range that is not one."""

    low: float
    high: float
    cells: int

    def __post_init__(self) -> None:
        if not (self.low < self.high and math.isfinite(self.high - self.low) and self.cells > 0):
            raise ValueError(f"no axis from {self.low} to {self.high} over {self.cells} cells")

    @classmethod
    def around(cls, values: Sequence[float], cells: int) -> "Axis":
        """The axis that holds these values; where all are the same, some room on both sides."""
        low, high = min(values), max(values)
        room = 0.0 if high > low else max(abs(low), 1.0) * 0.1
        return cls(low - room, high + room, cells)

    def place(self, value: float) -> float:
        """Where a value lies, from 0 to 1; what is outside lies on the edge."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def cell(self, value: float) -> int:
        """The character cell of a value."""
        return round(self.place(value) * (self.cells - 1))

    def ticks(self, most: int) -> list[float]:
        """At most `most` round values within the axis; at least one, though it be an end."""
        step = self._step(most)
        return [number * step for number in self._multiples(step)] or [self.low]

    def labels(self, most: int) -> list[tuple[int, str]]:
        """(cell, label) of the ticks, the same decimals for all."""
        decimals = max(0, -math.floor(math.log10(self._step(most)) + 1e-9))
        odd = decimals > MOST_DECIMALS or max(abs(self.low), abs(self.high)) >= LARGE
        form = ".3g" if odd else f",.{decimals}f"
        return [(self.cell(value), format(value + 0.0, form)) for value in self.ticks(most)]

    def _step(self, most: int) -> float:
        """The smallest round step that leaves at most `most` ticks."""
        power = 10.0 ** (math.floor(math.log10((self.high - self.low) / most)) - 1)
        steps = (size * power * ten for ten in (1, 10, 100) for size in ROUND)
        return next(step for step in steps if len(self._multiples(step)) <= most)

    def _multiples(self, step: float) -> range:
        return range(math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9) + 1)


def below(axis: Axis, most: int) -> tuple[str, str]:
    """The axis with its ticks, and the line of labels under it; a label that would touch another is left out."""
    line, words = ["─"] * axis.cells, [" "] * axis.cells
    free = 0
    for cell, label in axis.labels(most):
        line[cell] = "┬"
        start = min(max(0, cell - len(label) // 2), axis.cells - len(label))
        if start >= free:
            words[start : start + len(label)] = label
            free = start + len(label) + LABEL_GAP
    return "".join(line), "".join(words)
