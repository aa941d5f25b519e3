"""A chart of one metric over steps: its first, last and best value in words, its course, and two axes."""

from collections.abc import Sequence

from textual.content import Content

from syncse_local.text.figures import figure, number
from tui.widgets import braille
from tui.widgets.axis import Axis, below
from tui.widgets.section import MeasuredSection

HEIGHT, HEIGHTS = 5, {"-tall": 10}
"""Rows of the course itself, usually and by the screen's breakpoint."""
LEAST = 12
"""Columns from which a course can be read; with fewer there are only words."""
LARGEST = 1e100
"""What is beyond is no loss and no score, and would overflow where it is scaled."""
ROWS_A_TICK, COLUMNS_A_TICK = 2, 10
"""Cells for each tick at least: a label and a gap."""


class Curve(MeasuredSection):
    """Handed (step, value) points in step order; hidden while there are none."""

    def __init__(self, label: str, higher_is_better: bool, id: str | None = None) -> None:
        super().__init__(id=id)
        self.label, self.higher_is_better = label, higher_is_better
        self._given: Sequence[tuple[int, float]] = ()
        self._points: Sequence[tuple[int, float]] = ()

    def show(self, points: Sequence[tuple[int, float]]) -> None:
        """Draw these points; what is no number a chart can show is left out."""
        if points != self._given:
            self._given = points
            self._points = [(step, value) for step, value in points if _drawable(value)]
            if self._points:
                self.redraw()
            else:
                self.set_content(Content(""))

    def made_for(self, width: int) -> Content:
        """Words, then the course in the columns that are there."""
        tall = next((rows for name, rows in HEIGHTS.items() if self.screen.has_class(name)), HEIGHT)
        return Content("\n").join([self._words(), *self._course(width, tall)]) if self._points else Content("")

    def _words(self) -> Content:
        points = self._points
        step, best = (max if self.higher_is_better else min)(points, key=lambda point: point[1])
        return Content.assemble(
            (f"{self.label} ", "bold"),
            f"{_short(points[0][1])} → {_short(points[-1][1])}",
            (f"  best {_short(best)} at {step:,}", "$text-muted") if self.higher_is_better else "",
        )

    def _course(self, width: int, height: int) -> list[Content]:
        """The rows with the values' axis at their left, then the steps' axis; none where there is no room."""
        points = self._points
        up = Axis.around([value for _, value in points], height)
        labels = {height - 1 - cell: label for cell, label in up.labels(height // ROWS_A_TICK)}
        margin = max(map(len, labels.values()))
        if width - margin - 2 < LEAST:
            return []
        across = Axis.around([step for step, _ in points], width - margin - 2)
        drawn = []
        for row, dots in enumerate(braille.line(points, across, up)):
            mark = "┤" if row in labels else "│"
            drawn.append(
                Content.assemble((f"{labels.get(row, ''):>{margin}} {mark}", "$text-muted"), (dots, "$text-primary"))
            )
        line, words = below(across, max(2, across.cells // COLUMNS_A_TICK))
        axis = Content.styled(f"{'':>{margin}} └{line}\n{'':>{margin}}  {words}".rstrip(), "$text-muted")
        return [*drawn, axis]


def _drawable(value: object) -> bool:
    found = number(value)
    return found is not None and abs(found) < LARGEST


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else figure(value)
