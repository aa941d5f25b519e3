"""Bar charts as one SVG file: no script, no style sheet, no font of its own; readable in black and white.

Texts are data: made safe, which leaves no character that XML cannot hold, and escaped.
"""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from syncse_local.charts.bars import Bars
from syncse_local.text.display import safe

WIDTH, MARGIN, LABELS, NOTES = 720, 16, 210, 90
"""Pixels across: the file, its margin, the column of labels, the space for a figure beside the longest bar."""
BAR, GAP, LINE = 11, 7, 20
"""Pixels down: a bar, the gap after a label's bars, a line of text of 12 pixels."""
COLOURS = ("#2b6cb0", "#dd8452", "#55a868", "#8172b3", "#937860", "#4c4c4c")
LABEL = 34
"""Characters of 12 pixels that the column of labels holds."""


def document(charts: Sequence[Bars]) -> str:
    """All charts one below the other, as an SVG document."""
    parts, top = list[str](), MARGIN
    for chart in charts:
        parts += [f'<g transform="translate({MARGIN},{top})">', *_chart(chart), "</g>"]
        top += height(chart) + 2 * LINE
    size = f'width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', *parts, "</svg>\n"])


def height(chart: Bars) -> int:
    """A chart's height in pixels."""
    return LINE * (2 if len(chart.series) > 1 else 1) + len(chart.labels) * (len(chart.series) * BAR + GAP)


def _chart(chart: Bars) -> Iterator[str]:
    yield _text(0, 12, chart.title, ' font-weight="bold"')
    top = LINE
    if len(chart.series) > 1:
        yield from _legend(chart)
        top += LINE
    longest = WIDTH - 2 * MARGIN - LABELS - NOTES
    for place, label in enumerate(chart.labels):
        middle = top + len(chart.series) * BAR / 2 + 4
        yield _text(LABELS - 8, middle, safe(label, LABEL), ' text-anchor="end"')
        for number, series in enumerate(chart.series):
            value = series.values[place]
            length, at = (value or 0.0) / chart.top * longest, top + number * BAR
            size = f'width="{length:.1f}" height="{BAR - 1}"'
            yield f'<rect x="{LABELS}" y="{at}" {size} fill="{COLOURS[number % len(COLOURS)]}"/>'
            yield _text(LABELS + length + 4, at + BAR - 2, chart.written(value), ' font-size="10"')
        top += len(chart.series) * BAR + GAP


def _legend(chart: Bars) -> Iterator[str]:
    left = 0.0
    for number, series in enumerate(chart.series):
        yield f'<rect x="{left:.0f}" y="{LINE + 3}" width="10" height="10" fill="{COLOURS[number % len(COLOURS)]}"/>'
        yield _text(left + 14, LINE + 12, series.name)
        left += 30 + 7 * min(len(series.name), LABEL)


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{more}>{escape(safe(text))}</text>'
