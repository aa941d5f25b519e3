"""A real workspace with real rows for the screens, made with the store's own functions; ids and times are fixed."""

import asyncio
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from textual.pilot import Pilot

from syncse_local.api import Run, Workspace
from syncse_local.errors import SyncseError
from syncse_local.jobs import liveness
from syncse_local.jobs.supervise import run_directory
from syncse_local.records import Completion
from syncse_local.store import ledger, runs
from syncse_local.store.database import connect
from tui.app import SyncseApp
from tui.screens.frame import Frame

NOW = 1_700_000_000.0
ENCODER = "/models/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/8b3219a"
GENERATED = {"model": "/models/qwen2.5-7b-instruct-q4_k_m.gguf", "recipe": {"name": "syncse-partial", "seed": 1}}
TRAINED = {"encoder": ENCODER, "runs": ["g0101-aaaaaa"], "training": {"seed": 2}, "output": "/w/models/encoder-1"}
PATIENCE = 90.0
HOSTILE = "[red]not red[/red] \x1b[31mESC\x1b[0m \u202ebidi 漢字 \U0001f469\u200d\U0001f467 z" + "\u0335" * 40


class Rows:
    """Writes runs into a workspace through a connection of its own, as a worker would."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.connection = connect(directory / "syncse.db")
        self._locks: dict[str, int] = {}

    def add(
        self,
        run_id: str,
        kind: str,
        name: str = "",
        ago: float = 60.0,
        state: str = "running",
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> Run:
        """A run with this very id; an open one is held by a lock, as a living worker holds it."""
        made = runs.create(self.connection, kind, dict(options), name)
        self.connection.execute("UPDATE run SET id = ? WHERE id = ?", (run_id, made.id))
        if state != "queued":
            runs.move(self.connection, run_id, "queued", "running")
        if state in ("queued", "running"):
            self.hold(run_id)
        elif state != "lost":
            runs.finish(self.connection, run_id, state)
        else:
            runs.move(self.connection, run_id, "running", "lost")
        self.settle(run_id, ago)
        return runs.get(self.connection, run_id)

    def hold(self, run_id: str) -> None:
        """Take the run's lock."""
        lock = liveness.acquire(run_directory(self.directory, run_id) / "lock")
        assert lock is not None
        self._locks[run_id] = lock

    def abandon(self, run_id: str) -> None:
        """Free the run's lock, as the kernel does when a worker dies."""
        os.close(self._locks.pop(run_id))

    def settle(self, run_id: str, ago: float) -> None:
        """Set every time of the run to `ago` seconds before NOW; it took 40 s if it has ended."""
        begun = NOW - ago
        self.connection.execute(
            "UPDATE run SET created = ?, started = iif(started IS NULL, NULL, ?), ended = iif(ended IS NULL, NULL, ?) "
            "WHERE id = ?",
            (begun, begun, begun + 40, run_id),
        )
        self.connection.execute("UPDATE event SET time = ? WHERE run_id = ?", (begun, run_id))

    def progress(self, run_id: str, **data: Any) -> None:
        """Replace the run's progress."""
        runs.set_progress(self.connection, run_id, data)

    def event(self, run_id: str, kind: str, **data: Any) -> None:
        """Append an event."""
        runs.add_event(self.connection, run_id, kind, data)

    def state(self, run_id: str) -> Run:
        """The run as it is stored now."""
        return runs.get(self.connection, run_id)

    def answers(self, run_id: str, sentence: str, positive: str, negative: str, refused: bool = False) -> None:
        """One sentence with its two answers; `refused` rejects the second."""
        ledger.add_sentences(self.connection, [(f"{run_id}-s", sentence, "notes.csv")])
        texts = {"positive": positive, "negative": negative}
        plan = [
            ledger.Planned(f"{run_id}-{role}", number, f"{run_id}-s", role, 0, "p1", "c1", sentence, number)
            for number, role in enumerate(texts)
        ]
        ledger.add_plan(self.connection, run_id, plan)
        done = [
            ledger.Answered(
                Completion(row.key, texts[row.role], "stop", 300, 280, 24, 0.1, ""),
                1,
                [ledger.Outcome(texts[row.role], "refusal" if refused and row.role == "negative" else None)],
            )
            for row in plan
        ]
        ledger.add_answers(self.connection, done)

    def triplets(self, run_id: str, texts: Sequence[tuple[str, str, str]], first: int = 0, copied: int = 0) -> None:
        """Triplets of (sentence, positive, negative), numbered 2 * first and on; one in `copied` is rejected as a copy."""
        for number, (sentence, *answers) in enumerate(texts, first):
            key = f"{run_id}-{number}"
            ledger.add_sentences(self.connection, [(key, sentence, "notes.csv")])
            plan = [
                ledger.Planned(f"{key}-{role}", 2 * number + i, key, role, 0, f"p{number % 2}", "c1", sentence, number)
                for i, role in enumerate(("positive", "negative"))
            ]
            ledger.add_plan(self.connection, run_id, plan)
            failure = "copy" if copied and number % copied == 0 else None
            done = [
                ledger.Answered(
                    Completion(row.key, f"raw: {text}", "stop", 300, 280, 24, 0.1, ""),
                    1,
                    [ledger.Outcome(text, failure)],
                )
                for row, text in zip(plan, answers, strict=True)
            ]
            ledger.add_answers(self.connection, done)

    def generate(self, run_id: str = "g0101-aaaaaa", ago: float = 60.0) -> Run:
        """A generate run in full swing."""
        self.add(run_id, "generate", "generate 5f6e7d8c", ago, options=GENERATED)
        self.event(run_id, "engine", backend="llamacpp", version="0.3.36", settings={})
        self.event(run_id, "planned", rows=4000, part="pairs", skipped={"duplicate": 12})
        self.answers(run_id, "A man plays a guitar.", "Someone plays guitar.", "As a model I cannot.", refused=True)
        self.progress(
            run_id, done=1600, total=4000, phase="writing", accepted=1503, rows_per_second=55.2,
            accepted_per_second=51.04, tokens_per_second=980.1, eta=43.5,
        )  # fmt: skip
        self.settle(run_id, ago)
        return self.state(run_id)

    def train(self, run_id: str = "t0101-bbbbbb", ago: float = 4000.0) -> Run:
        """A train run that was lost half-way."""
        self.add(run_id, "train", "train 99887766", ago, options=TRAINED)
        loss = [("loss", step, 4.5 * math.exp(-step / 60) + 0.6) for step in range(1, 320)]
        dev = [("dev", step, 0.7 - 0.3 * math.exp(-step / 90)) for step in range(25, 320, 25)]
        runs.add_metrics(self.connection, run_id, loss + dev)
        self.event(run_id, "training", triplets=2000, dev_pairs=1500, output="/tmp/x")
        self.progress(run_id, done=319, total=600, loss=0.71, triplets_per_second=107.3)
        runs.finish(self.connection, run_id, "lost")
        self.settle(run_id, ago)
        return self.state(run_id)

    def evaluate(self, run_id: str = "e0101-cccccc", ago: float = 9000.0) -> Run:
        """A finished evaluation with an undefined score and a missing task."""
        self.add(run_id, "eval", "evaluate before 1a2b3c4d", ago, options={"encoder": ENCODER})
        found = (("starter", 0.412, 320), ("STS12", 0.31234, 3108), ("STSB-test", None, 1379))
        scores = [{"model": "m", "task": t, "metric": "spearman", "value": v, "pairs": n} for t, v, n in found]
        runs.add_scores(self.connection, run_id, scores)
        self.progress(run_id, done=3, total=3, task="STSB-test")
        average = {"value": 0.36217, "label": "average over the 2 present: starter, STS12"}
        missing = {"STS16": "/data/STS/STS16"}
        runs.finish(self.connection, run_id, "done", average=average, missing=missing)
        self.settle(run_id, ago)
        return self.state(run_id)

    def fail(self, run_id: str = "g0101-dddddd", ago: float = 200_000.0) -> Run:
        """A generate run with an error."""
        self.add(run_id, "generate", HOSTILE, ago)
        error = SyncseError("The model file is truncated", "x.gguf ends early.", "Copy the file again.")
        runs.finish(self.connection, run_id, "failed", error)
        self.settle(run_id, ago)
        return self.state(run_id)

    def incomplete(self, run_id: str = "g0101-ffffff", ago: float = 50.0) -> Run:
        """A generate run whose server failed for half of the requests, with a warning."""
        self.add(run_id, "generate", "generate 11223344", ago)
        self.event(run_id, "warning", text="The positive equals the hard negative in 8 of 8 triplets")
        detail = '8 of 16 requests have no answer: HTTP 500 8; for example "boom".'
        error = SyncseError("The run is incomplete", detail, f"Ask for the rest: syncse resume {run_id}")
        runs.finish(self.connection, run_id, "incomplete", error)
        self.settle(run_id, ago)
        return self.state(run_id)

    def compare(self, run_id: str = "c0101-eeeeee", ago: float = 30.0) -> Run:
        """A finished comparison of three arms."""
        from tests.tui.comparison import result

        self.add(run_id, "compare", ago=ago)
        runs.finish(self.connection, run_id, "done", **result())
        self.settle(run_id, ago)
        return self.state(run_id)

    def fill(self) -> None:
        """One run of each sort."""
        self.fail()
        self.evaluate()
        self.train()
        self.generate()

    def close(self) -> None:
        """Free the locks and the database."""
        for lock in self._locks.values():
            os.close(lock)
        self.connection.close()


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A theme or NO_COLOR of the person at the keyboard would change what the tests see."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rows]:
    """The writer's side of a workspace at its default place under the current directory."""
    monkeypatch.chdir(tmp_path)
    made = Rows(tmp_path / "workspace")
    yield made
    made.close()


@pytest.fixture
def app(rows: Rows) -> Iterator[SyncseApp]:
    """The front end on the same workspace; its clock stands still at NOW."""
    with Workspace(rows.directory) as workspace:
        yield SyncseApp(workspace, clock=lambda: NOW, first="runs")


class Look:
    """Looks at a front end that a pilot drives."""

    def __init__(self, pilot: Pilot[int]) -> None:
        self.pilot, self.app = pilot, pilot.app

    @property
    def text(self) -> str:
        """What stands on the screen, line by line."""
        return "\n".join(self.lines)

    @property
    def lines(self) -> list[str]:
        """The screen's lines as painted."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the front end go on until the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.text
            await self.pilot.pause()
            await asyncio.sleep(0.02)

    async def see(self, *words: str) -> None:
        """Wait until all these words stand on the screen."""
        await self.until(lambda: all(word in self.text for word in words))

    async def ready(self) -> None:
        """Wait until the store was read and the result is painted."""
        await self.until(lambda: isinstance(self.app.screen, Frame) and self.app.screen.snapshot is not None)
        await self.pilot.pause()


@pytest.fixture
def begin(rows: Rows) -> Iterator[Callable[[str], SyncseApp]]:
    """Makes a front end on the same workspace that begins on a screen by name."""
    with Workspace(rows.directory) as workspace:
        yield lambda first: SyncseApp(workspace, clock=lambda: NOW, first=first)


@pytest.fixture
def look() -> Callable[[Pilot[int]], Look]:
    """How a test looks at the screen."""
    return Look
