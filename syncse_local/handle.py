"""A run as a program holds it: followed, waited for, stopped, resumed, and asked for what came out.

Reads the workspace that started it; knows no stage.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from syncse_local.errors import ExitCode, SyncseError
from syncse_local.store.runs import OPEN, Run
from syncse_local.text.events import event_line

POLL = 0.2
"""Seconds between two looks at a run: a person does not notice them, and a look takes microseconds."""


class Holder(Protocol):
    """What a handle asks of its workspace."""

    def run(self, known: str) -> Run: ...
    def runs(self, limit: int = 100) -> list[Run]: ...
    def alive(self, run_id: str) -> bool: ...
    def events(self, run_id: str, after: int = 0, newest: int | None = None) -> list[dict[str, Any]]: ...
    def cancel(self, run_id: str) -> int: ...
    def resume(self, run_id: str) -> Run: ...
    def scores(self, run_id: str) -> list[dict[str, Any]]: ...
    def triplets(
        self, run_ids: list[str], accepted_only: bool = True, filtered: bool = True
    ) -> Iterator[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One thing that happened in a run. `time` is seconds since 1970; `text` says it in a line, empty where it is no news."""

    time: float
    kind: str
    data: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class TripletRow:
    """One accepted triplet; `ordinal` is its place in the plan."""

    ordinal: int
    sentence: str
    positive: str
    negative: str


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One score of an evaluation; `value` is None where it is undefined, `pairs` counts the items."""

    task: str
    metric: str
    value: float | None
    pairs: int


class RunHandle:
    """A run of a workspace, which must stay open. Two threads must not share one workspace."""

    def __init__(self, workspace: Holder, run_id: str) -> None:
        self.id = run_id
        self._workspace = workspace

    def __repr__(self) -> str:
        return f"RunHandle({self.id!r}, {self.state!r})"

    @property
    def record(self) -> Run:
        """The run's row, read now."""
        return self._workspace.run(self.id)

    @property
    def state(self) -> str:
        """`queued`, `running`, `done`, `incomplete`, `failed`, `cancelled` or `lost`."""
        run = self.record
        if run.state in OPEN and not self._workspace.alive(self.id):
            self._workspace.runs(1)  # marks the run lost if its process is gone
            run = self.record
        return run.state

    @property
    def result(self) -> dict[str, Any]:
        """What the run made, once it has ended."""
        return self.record.result

    def follow(self, poll: float = POLL) -> Iterator[RunEvent]:
        """Its events, those of before first, until it has ended; `poll` seconds between two looks."""
        seen = 0
        while True:
            ended = self.state not in OPEN
            for event in self._workspace.events(self.id, seen):
                seen = event["id"]
                text = event_line(event["kind"], event["data"])
                yield RunEvent(event["time"], event["kind"], event["data"], text)
            if ended:
                return
            time.sleep(poll)

    def wait(self, poll: float = POLL) -> "RunHandle":
        """Wait until it is done. Raises the run's own SyncseError where it failed, and one with code INTERRUPTED where it
        was stopped."""
        while self.state in OPEN:
            time.sleep(poll)
        run = self.record
        if run.state == "done":
            return self
        if run.error:
            raise SyncseError.from_dict(run.error)
        hint = f"Go on with it: `.resume()`, or syncse resume {run.id}"
        raise SyncseError(f"The run is {run.state}", "What was finished is kept.", hint, ExitCode.INTERRUPTED)

    def cancel(self) -> int:
        """Ask it to save and stop; each call presses harder (1 flag, 2 SIGTERM, 3 SIGKILL). Returns the step."""
        return self._workspace.cancel(self.id)

    def resume(self) -> "RunHandle":
        """Go on where it was. Raises SyncseError (NOTHING) where it is open or done."""
        self._workspace.resume(self.id)
        return self

    def triplets(self, filtered: bool = True) -> Iterator[TripletRow]:
        """The accepted triplets of a generate run in plan order, streamed; `filtered` by the filters that stand."""
        for row in self._workspace.triplets([self.id], True, filtered):
            yield TripletRow(row["ordinal"], row["sentence"], row["positive"], row["negative"])

    def scores(self) -> list[ScoreRow]:
        """The scores of an evaluation."""
        found = self._workspace.scores(self.id)
        return [ScoreRow(row["task"], row["metric"], row["value"], row["pairs"]) for row in found]

    def to_pandas(self) -> Any:
        """A DataFrame of the scores of an evaluation, or of the triplets of a synthesis.

        Raises SyncseError (PREFLIGHT) where pandas is not installed.
        """
        try:
            import pandas  # an extra of the user's own
        except ModuleNotFoundError as missing:
            hint = "Install it with: pip install pandas"
            raise SyncseError("pandas is not installed", "A DataFrame needs it.", hint, ExitCode.PREFLIGHT) from missing
        rows = self.scores() if self.record.kind == "eval" else list(self.triplets())
        kind = ScoreRow if self.record.kind == "eval" else TripletRow
        return pandas.DataFrame(
            [[getattr(row, name) for name in kind.__slots__] for row in rows], columns=kind.__slots__
        )
