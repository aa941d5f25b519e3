"""Bar charts in block characters, for any terminal: no colour, no control sequence."""

from syncse_local.charts.bars import Bars
from syncse_local.text.display import safe

EIGHTHS = " ▏▎▍▌▋▊▉█"
FILLS = "█▒░▓"
LABEL = 28
"""Characters of a label: a third of 80 columns, so that bars keep the larger part."""
LEAST = 10
"""Characters of the longest bar in a narrow terminal: fewer tell nothing apart."""


def draw(chart: Bars, width: int = 100) -> str:
    """The chart as lines; its bars and figures end at `width` characters. Titles and names of series are whole."""
    labels = [safe(label, LABEL) for label in chart.labels]
    margin = max(map(len, labels), default=0)
    notes = max((len(chart.written(v)) for s in chart.series for v in s.values), default=0)
    longest = max(LEAST, width - margin - notes - 3)
    lines = [safe(chart.title)]
    if len(chart.series) > 1:
        lines.append("  ".join(f"{_fill(i)} {safe(series.name)}" for i, series in enumerate(chart.series)))
    for place, label in enumerate(labels):
        for number, series in enumerate(chart.series):
            value = series.values[place]
            head = label if number == 0 else ""
            bar = _bar((value or 0.0) / chart.top * longest, _fill(number))
            lines.append(f"{head:<{margin}} |{bar} {chart.written(value)}".rstrip())
    return "\n".join(lines)


def _fill(number: int) -> str:
    return FILLS[number % len(FILLS)]


def _bar(length: float, fill: str) -> str:
    """A bar of that many characters, in eighths where the fill is solid."""
    if fill != FILLS[0]:
        return fill * round(length)
    whole, rest = divmod(round(length * 8), 8)
    return fill * whole + (EIGHTHS[rest] if rest else "")
