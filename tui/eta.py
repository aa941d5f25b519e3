"""How long the rest will take, with its spread: from how evenly the last minutes went. Knows no run and no widget."""

import math
from collections import deque
from statistics import fmean, stdev

WINDOW_SECONDS, WINDOWS = 3.0, 20
"""A minute in windows that are long enough to hold several batches of rows. Chosen, not measured."""
LEAST = 4
"""Windows from which a spread is worth saying."""


class Eta:
    """Fed (seconds, done); remembers the rates of the last minute, one a window."""

    def __init__(self) -> None:
        self._rates: deque[float] = deque(maxlen=WINDOWS)
        self._since: tuple[float, float] | None = None

    def add(self, now: float, done: float) -> None:
        """Note how much is done now; where it went back, begin anew."""
        if self._since is None or done < self._since[1]:
            self._rates.clear()
            self._since = (now, done)
        elif now - self._since[0] >= WINDOW_SECONDS:
            self._rates.append((done - self._since[1]) / (now - self._since[0]))
            self._since = (now, done)

    def spread(self, left: float) -> tuple[float, float] | None:
        """The shortest and longest likely time for what is left, in seconds: the mean rate with two standard errors."""
        if len(self._rates) < LEAST:
            return None
        mean, error = fmean(self._rates), 2 * stdev(self._rates) / math.sqrt(len(self._rates))
        return (left / (mean + error), left / (mean - error)) if mean > error else None
