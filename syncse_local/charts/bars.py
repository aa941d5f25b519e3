"""A bar chart as data. Knows neither a terminal nor SVG, nor what the figures mean."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of bars: a value for each label of the chart; None leaves a gap."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars from 0: for each label one bar of each series. `form` writes a value beside its bar.

    Raises ValueError where a series has another number of values than there are labels, or a value is below 0 or not finite.
    """

    title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    form: str = "{:,.0f}"

    def __post_init__(self) -> None:
        for series in self.series:
            if len(series.values) != len(self.labels):
                raise ValueError(f"{series.name}: {len(series.values)} values for {len(self.labels)} labels")
            if any(value is not None and not 0 <= value < float("inf") for value in series.values):
                raise ValueError(f"{series.name}: a bar is a number from 0")

    @property
    def top(self) -> float:
        """The longest bar's value, or 1 where every bar is empty."""
        return max((v for s in self.series for v in s.values if v), default=1.0)

    def written(self, value: float | None) -> str:
        """A value as text."""
        return "-" if value is None else self.form.format(value)
