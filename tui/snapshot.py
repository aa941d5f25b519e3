"""What the runs screen shows, read in one go on a thread: the list of runs, and the chosen one in detail.

Knows the API and how often each part may be read; knows no widget and no event loop.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from syncse_local.api import OPEN, Run, Workspace
from tui.run_follower import RunDetail, RunFollower

LIST_LIMIT = 200
"""The newest runs that are listed; older ones are looked up with `syncse runs`."""
LIST_SECONDS = 2.0
"""Listing also looks for runs whose process is gone (it opens a connection and tries locks), so it is done seldom."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One consistent look at the workspace. `titles` say of each run what it is about, by id."""

    runs: tuple[Run, ...]
    detail: RunDetail | None
    titles: Mapping[str, str] = field(default_factory=dict)


class SnapshotReader:
    """Keeps what was read last and reads again only what may have changed. Used from one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._runs: tuple[Run, ...] = ()
        self._listed_at: float | None = None
        self._list_again = True
        self._follower: RunFollower | None = None

    def relist(self) -> None:
        """List again at the next reading: this front end has just changed something itself."""
        self._listed_at = None

    def read(self, workspace: Workspace, selected: str, changed: bool, log: bool, kind: str | None = "") -> Snapshot:
        """The runs, and the run `selected`, or where it is empty or gone the newest of `kind` ("": of any kind).

        `kind` None: no run in detail. `log` reads the end of the run's log.
        """
        self._list_again = self._list_again or changed
        if self._list_due():
            self._runs = tuple(workspace.runs(LIST_LIMIT))
            self._listed_at, self._list_again = self._clock(), False
        elif changed:
            self._runs = tuple(_again(workspace, self._runs, selected))
        newest = None if kind is None else next((run for run in self._runs if kind in ("", run.kind)), None)
        chosen = next((run for run in self._runs if run.id == selected), newest)
        titles = {run.id: workspace.title(run) for run in self._runs}
        return Snapshot(self._runs, self._detail(workspace, chosen, changed, log), titles)

    def _list_due(self) -> bool:
        if self._listed_at is None:
            return True
        wanted = self._list_again or any(run.state in OPEN for run in self._runs)
        return wanted and self._clock() - self._listed_at >= LIST_SECONDS

    def _detail(self, workspace: Workspace, run: Run | None, changed: bool, log: bool) -> RunDetail | None:
        if run is None:
            self._follower = None
            return None
        if self._follower is None or self._follower.run_id != run.id:
            self._follower = RunFollower(run.id, self._clock)
        detail = self._follower.read(workspace, run, changed, log)
        arms = workspace.arm_titles(run) if run.kind == "compare" else {}
        return replace(detail, run=run, title=workspace.title(run), arms=arms)


def _again(workspace: Workspace, known: Sequence[Run], selected: str) -> list[Run]:
    """The known runs, those re-read that another process may be changing under our eyes."""
    return [workspace.run(run.id) if run.state in OPEN or run.id == selected else run for run in known]
