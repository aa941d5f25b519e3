"""Follows one run: its newest events, curves, scores, failures and a sample of what it makes.

Costly parts are read at most every half second, and less often the longer they take, so that a large run is not
slowed by being looked at. Knows the API; knows no widget.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from syncse_local.api import OPEN, Run, Workspace
from syncse_local.text.figures import number
from tui.eta import Eta, worth_showing

EVENTS = 50
"""The newest events that are kept: a screenful on a large terminal."""
AT_ONCE = 500
"""Events read at a time: of a run that writes faster than they can be looked at, the newest."""
LOG_BYTES = 16_384
"""The end of a log that is read: a few screenfuls."""
TRIPLETS = 8
"""The newest triplets that are read: what a large terminal has room for."""
SLOW_SECONDS = 0.5
"""Costly parts are read at most so often."""
HISTORY, HISTORY_SECONDS = 120, 1.0
"""Values of a rate that are kept for its sparkline, one a second: the last two minutes."""
RATES = ("rows_per_second", "accepted_per_second", "tokens_per_second", "triplets_per_second")
REST = 10
"""A costly reading rests for this many times as long as it took."""
CURVES = ("loss", "dev")


@dataclass(frozen=True, slots=True)
class Sample:
    """A piece of text that a generate run made: a title and labelled lines."""

    title: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RunDetail:
    """Everything about one run that its pane shows; `log` None where it was not asked for.

    `eta` in seconds, None where it would say nothing; `interval` its shortest and longest likely value. `scored` are
    tasks whose scores came as events. `history` are the last values of each rate, one a second. `title` says what the
    run is about, `arms` the same of each arm of a comparison, by its name in the result.
    """

    run: Run
    events: tuple[dict[str, Any], ...] = ()
    eta: float | None = None
    interval: tuple[float, float] | None = None
    failures: dict[str, int] = field(default_factory=dict)
    sample: Sample | None = None
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    scores: tuple[dict[str, Any], ...] = ()
    log: tuple[str, ...] | None = None
    log_path: Path = Path()
    triplets: tuple[dict[str, Any], ...] = ()
    scored: tuple[dict[str, Any], ...] = ()
    history: dict[str, tuple[float, ...]] = field(default_factory=dict)
    title: str = ""
    arms: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Costly:
    """The costly parts as read last."""

    failures: dict[str, int] = field(default_factory=dict)
    sample: Sample | None = None
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    scores: tuple[dict[str, Any], ...] = ()
    triplets: tuple[dict[str, Any], ...] = ()


class RunFollower:
    """Reads one run again and again, each time only what is new. `clock` gives seconds that only go up."""

    def __init__(self, run_id: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.run_id, self._clock = run_id, clock
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS)
        self._last_event = 0
        self._costly = _Costly()
        self._state, self._stale, self._due = "", True, 0.0
        self._first: tuple[float, float] | None = None
        self._estimate = Eta()
        self._scored: dict[str, dict[str, Any]] = {}
        self._history: dict[str, deque[float]] = {}
        self._noted = -HISTORY_SECONDS

    def read(self, workspace: Workspace, run: Run, changed: bool, log: bool) -> RunDetail:
        """The run's detail now; `changed` says whether the store may hold anything new."""
        self._stale = self._stale or changed
        if self._stale:
            for event in workspace.events(run.id, self._last_event, AT_ONCE):
                self._last_event = event["id"]
                self._events.append(event)
                if event["kind"] == "scored" and isinstance(event["data"], dict):
                    self._scored[str(event["data"].get("task"))] = event["data"]
        self._read_costly(workspace, run)
        self._note_rates(run)
        path, interval = workspace.log_path(run.id), self._interval(run)
        eta = self._eta(run, interval)
        return RunDetail(
            run,
            tuple(self._events),
            eta,
            _around(interval, eta),
            self._costly.failures,
            self._costly.sample,
            self._costly.curves,
            self._costly.scores,
            tail(path) if log else None,
            path,
            self._costly.triplets,
            tuple(self._scored.values()),
            {name: tuple(values) for name, values in self._history.items()},
        )

    def _note_rates(self, run: Run) -> None:
        now = self._clock()
        if run.state == "running" and now - self._noted >= HISTORY_SECONDS:
            self._noted = now
            for name in RATES:
                if (value := number(run.progress.get(name))) is not None:
                    self._history.setdefault(name, deque(maxlen=HISTORY)).append(value)

    def _read_costly(self, workspace: Workspace, run: Run) -> None:
        moved, begun = run.state != self._state, self._clock()
        if not moved and not (self._stale and begun >= self._due):
            return
        if run.kind == "generate":
            newest = workspace.latest_triplets(run.id, TRIPLETS) if run.state in OPEN else []
            self._costly = _Costly(workspace.failures(run.id), sample(workspace, run), triplets=tuple(newest))
        elif run.kind == "train":
            self._costly = _Costly(curves={name: workspace.metrics(run.id, name) for name in CURVES})
        elif run.kind == "eval" and run.state not in OPEN:
            self._costly = _Costly(scores=tuple(workspace.scores(run.id)))
        ended = self._clock()
        self._state, self._stale = run.state, False
        self._due = ended + max(SLOW_SECONDS, REST * (ended - begun))

    def _eta(self, run: Run, interval: tuple[float, float] | None) -> float | None:
        """What the run says itself, or else a guess from its rate since it was first looked at; None until it says something."""
        done, total = number(run.progress.get("done")), number(run.progress.get("total"))
        if run.state != "running" or done is None or not total:
            self._first = None
            return None
        now = self._clock()
        if self._first is None or done < self._first[1]:
            self._first = (now, done)
        if not worth_showing(done, total, interval):
            return None
        if (said := number(run.progress.get("eta"))) is not None:
            return said
        since, begun = self._first
        return (total - done) * (now - since) / (done - begun) if done > begun else None

    def _interval(self, run: Run) -> tuple[float, float] | None:
        done, total = number(run.progress.get("done")), number(run.progress.get("total"))
        if run.state != "running" or done is None or not total:
            self._estimate = Eta()
            return None
        self._estimate.add(self._clock(), done)
        return self._estimate.interval(max(0.0, total - done))


def _around(interval: tuple[float, float] | None, eta: float | None) -> tuple[float, float] | None:
    """The interval, widened to what the run says itself: its own figure looks further back than the last minute does."""
    return interval if interval is None or eta is None else (min(interval[0], eta), max(interval[1], eta))


def sample(workspace: Workspace, run: Run) -> Sample | None:
    """The newest answer while the run is at work, its first whole triplet afterwards."""
    if run.state not in OPEN:
        for row in islice(workspace.triplets([run.id]), 1):
            lines = [("sentence", row["sentence"]), ("positive", row["positive"]), ("negative", row["negative"])]
            return Sample("First triplet", tuple(lines))
    for row in workspace.answers(run.id, 1):
        answer = row["parsed"] if row["parsed"] else row["raw"]
        asked = [] if row["role"] == "sentence" else [("sentence", row["turn"])]
        verdict = row["reason"] or {"accept": "accepted", "reject": "rejected"}.get(row["verdict"], "")
        return Sample(f"Latest answer: {verdict}", (*asked, (row["role"], answer)))
    return None


def tail(path: Path) -> tuple[str, ...]:
    """The last lines of a log; none where there is no log yet."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_BYTES))
            text = file.read(LOG_BYTES).decode("utf-8", "replace")
    except OSError:
        return ()
    lines = text.split("\n")
    return tuple(line for line in (lines[1:] if size > LOG_BYTES and len(lines) > 1 else lines) if line.strip())
