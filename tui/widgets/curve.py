"""A small curve of one metric: its first, last and best value in words, and its course as a sparkline."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Sparkline, Static

from tui.widgets.text import figure


class Curve(Vertical):
    """Handed (step, value) points in step order; hidden while there are none."""

    def __init__(self, label: str, higher_is_better: bool, id: str | None = None) -> None:
        super().__init__(id=id)
        self.label, self.higher_is_better = label, higher_is_better
        self._points: Sequence[tuple[int, float]] = ()
        self.display = False

    def compose(self) -> ComposeResult:
        """A line of words above the sparkline."""
        yield Static(markup=False)
        yield Sparkline(summary_function=_mean)

    def show(self, points: Sequence[tuple[int, float]]) -> None:
        """Draw these points."""
        if points == self._points:
            return
        self._points = points
        self.display = bool(points)
        if points:
            self.query_one(Static).update(self._words(points))
            self.query_one(Sparkline).data = [value for _, value in points]

    def _words(self, points: Sequence[tuple[int, float]]) -> Content:
        step, best = (max if self.higher_is_better else min)(points, key=lambda point: point[1])
        first, last = points[0][1], points[-1][1]
        return Content.assemble(
            (f"{self.label} ", "bold"),
            f"{_short(first)} → {_short(last)}",
            (f"  best {_short(best)} at {step:,}", "dim") if self.higher_is_better else "",
        )


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else figure(value)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
