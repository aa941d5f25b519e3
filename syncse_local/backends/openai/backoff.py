"""When to ask again: pauses that double and spread, and what a server's Retry-After says. Arithmetic; waits for nothing."""

from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random

LONGEST = 30.0
"""Seconds of the longest pause that is our own choice."""


@dataclass(slots=True)
class Backoff:
    """Pauses in seconds: `first` for the first fault, doubled each time; each is spread over its upper half.

    The spread keeps requests that failed together from coming back together.
    """

    first: float
    longest: float = LONGEST
    draw: Random = field(default_factory=Random)

    def pause(self, faults: int) -> float:
        """Seconds to wait after the `faults`-th fault in a row (from 1)."""
        whole = min(self.longest, self.first * 2.0 ** min(faults - 1, 30))
        return whole * (0.5 + 0.5 * self.draw.random())


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds from `now` (Unix time) that a Retry-After header asks for: a number or an HTTP date; None for nonsense."""
    text = (value or "").strip()
    if text.replace(".", "", 1).isdecimal() and text.isascii():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now)
