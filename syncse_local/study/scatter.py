"""A scatter of cost and quality as inline SVG, in the colours of the page around it. Texts are escaped."""

from collections.abc import Sequence
from html import escape

from syncse_local.text.display import safe
from syncse_local.text.figures import figure

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 320, 60, 40, 16
"""Pixels: the file, the space for the axes' figures, the space above."""
LABELS = 170
"""Pixels right of the last point for an arm's name."""
NAME = 28
"""Characters of a name that these pixels hold."""


def scatter(points: Sequence[tuple[str, float, float, float, float]], across: str, up: str) -> str:
    """Points as (name, cost, score, low, high), scores 0 to 1 and shown x 100; a bar is a score's interval."""
    right = max(cost for _, cost, *_ in points) or 1.0
    low, high = min(low for *_, low, _ in points), max(high for *_, high in points)
    spread = (high - low) or 0.01

    def x(cost: float) -> float:
        return LEFT + cost / right * (WIDTH - LEFT - LABELS)

    def y(score: float) -> float:
        return HEIGHT - BOTTOM - (score - low) / spread * (HEIGHT - BOTTOM - TOP)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12" fill="currentColor">']
    parts.append(f"<title>{escape(safe(up))} by {escape(safe(across))}</title>")
    base = HEIGHT - BOTTOM
    parts.append(f'<path d="M{LEFT} {TOP}V{base}H{WIDTH - LABELS}" stroke="currentColor" fill="none"/>')
    for value in (low, high):
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{100 * value:.2f}</text>')
    for cost in (0.0, right):
        parts.append(f'<text x="{x(cost):.1f}" y="{base + 16}" text-anchor="middle">{figure(cost) or "0"}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">{escape(safe(across))}; up: {escape(safe(up))}</text>')
    for name, cost, score, least, most in points:
        at = f"{x(cost):.1f}"
        parts.append(f'<path d="M{at} {y(least):.1f}V{y(most):.1f}" stroke="currentColor"/>')
        parts.append(f'<circle cx="{at}" cy="{y(score):.1f}" r="4" fill="var(--mark, currentColor)"/>')
        parts.append(f'<text x="{x(cost) + 8:.1f}" y="{y(score) + 4:.1f}">{escape(safe(name, NAME))}</text>')
    return "\n".join([*parts, "</svg>"])
