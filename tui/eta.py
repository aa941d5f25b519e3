"""How long the rest will take, with its interval: from how evenly the last minute went. Knows no run and no widget."""

import math
from collections import deque
from statistics import fmean, stdev

WINDOW_SECONDS = 3.0
"""One rate is taken over so long: shorter ones scatter with every batch."""
WINDOWS = 20
"""Rates kept: the last minute."""
LEAST_WINDOWS = 4
"""Rates from which an interval is worth saying: two standard errors of fewer are wider than the mean."""
WIDEST = 3.0
"""An estimate whose interval's ends are further apart than this says nothing yet."""
LEAST_DONE, LEAST_SHARE = 20, 0.02
"""Rows and share done from which a run's own figure is shown where the last minute is not known yet."""


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

    def interval(self, left: float) -> tuple[float, float] | None:
        """The shortest and longest likely time for what is left, in seconds: the mean rate with two standard errors."""
        if len(self._rates) < LEAST_WINDOWS:
            return None
        mean, error = fmean(self._rates), 2 * stdev(self._rates) / math.sqrt(len(self._rates))
        return (left / (mean + error), left / (mean - error)) if mean > error else None


def worth_showing(done: float, total: float, interval: tuple[float, float] | None) -> bool:
    """Whether an estimate says something: after one row of eighty it does not."""
    if interval is not None:
        return interval[1] <= WIDEST * interval[0]
    return done >= LEAST_DONE and done >= LEAST_SHARE * total
