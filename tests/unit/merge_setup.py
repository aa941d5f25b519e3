"""Workspaces made by hand for merge tests, and what one holds, told by keys: row numbers are left out."""

import shutil
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from syncse_local.records import Completion
from syncse_local.store import filtering, ledger, measurements, runs
from syncse_local.store.database import connect
from syncse_local.store.filtering import VerdictRow
from syncse_local.store.ledger import Answered, Outcome, Planned

CONTENT = {
    "sentence": "SELECT key, text, source FROM sentence",
    "request": "SELECT key, role, prompt_id, context_id, turn, seed, genre, topics FROM request",
    "response": """SELECT r.key, a.text, a.finish, a.error, a.prompt_tokens, a.cached_tokens, a.output_tokens, a.seconds,
                   a.created FROM response AS a JOIN request AS r ON r.id = a.request_id""",
    "fault": "SELECT r.key, kind, said, f.text, times, created FROM fault AS f JOIN request AS r ON r.id = request_id",
    "parse": "SELECT r.key, version, position, text, failure FROM parse JOIN request AS r ON r.id = request_id",
    "decision": """SELECT r.key, source, verdict, reason, author, created FROM decision
                   JOIN request AS r ON r.id = request_id""",
    "plan": """SELECT run_id, ordinal, r.key, s.key, p.role, sample FROM plan AS p JOIN request AS r ON r.id = request_id
               LEFT JOIN sentence AS s ON s.id = sentence_id""",
    "run": "SELECT * FROM run",
    "event": "SELECT run_id, time, kind, data FROM event",
    "metric": "SELECT * FROM metric",
    "score": "SELECT * FROM score",
    "filtering": "SELECT run_id, params, params_hash, detail, judged, state, created FROM filtering",
    "verdict": """SELECT f.run_id, f.created, ordinal, filter, version, verdict, score, reason FROM verdict
                  JOIN filtering AS f ON f.id = filtering_id""",
    "measurement": "SELECT * FROM measurement",
    "prediction": "SELECT * FROM prediction",
    "calibration": "SELECT machine, encoder, data, options, seeds, runs, created FROM calibration",
    "noise_floor": """SELECT c.runs, task, metric, n.items_sha256, seed_values, mean, sd FROM noise_floor AS n
                      JOIN calibration AS c ON c.id = calibration_id""",
    "review": "SELECT key, positive_request, negative_request, action, note, undoes, author, created FROM review",
}


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that a workspace's database holds, in an order that row numbers do not decide."""
    connection = connect(path)
    found = {name: sorted(map(tuple, connection.execute(query)), key=repr) for name, query in CONTENT.items()}
    connection.close()
    return found


class Made:
    """A workspace under construction; a `blank` database saves migrating each anew."""

    def __init__(self, directory: Path, blank: Path) -> None:
        directory.mkdir(parents=True)
        self.path = directory / "syncse.db"
        shutil.copyfile(blank, self.path)
        self.connection: sqlite3.Connection = connect(self.path)

    def run(self, sentences: Iterable[int], answered: Iterable[int], said: str = "", state: str = "done") -> str:
        """A generate run over numbered sentences, with answers to some; `said` makes the answers other ones."""
        numbers, answered = list(sentences), set(answered)
        run = runs.create(self.connection, "generate", {"recipe": {}}, "made")
        ledger.add_sentences(self.connection, [(f"s{n}", f"Sentence {n}.", "made") for n in numbers])
        rows = [_planned(n, role) for n in numbers for role in ("positive", "negative")]
        ledger.add_plan(self.connection, run.id, rows)
        ledger.add_answers(self.connection, [_answer(row, said) for row in rows if row.ordinal // 2 in answered])
        runs.move(self.connection, run.id, "queued", "running")
        runs.add_event(self.connection, run.id, "planned", {"part": "pairs", "rows": len(rows)})
        runs.add_metrics(self.connection, run.id, [("loss", 1, 0.5)])
        if state == "done":
            runs.finish(self.connection, run.id, "done", triplets=len(answered))
        return run.id

    def filters(self, run_id: str, dropped: Iterable[int], params: str = "p") -> None:
        """An application that drops the triplets of some sentences."""
        rows = [VerdictRow(2 * n, "lexical", 1, "drop", 0.5, "copy") for n in dropped]
        filtering.record(self.connection, run_id, {}, params, {}, len(rows), rows)

    def measure(self, instrument: str, keys: Iterable[int]) -> None:
        """Values of an instrument."""
        measurements.store(self.connection, instrument, [(b"%016d" % key, key / 7) for key in keys])

    def decide(self, key: str, verdict: str, source: str = "person") -> None:
        """Somebody's word on an answer."""
        time.sleep(0.001)
        self.connection.execute(
            "INSERT INTO decision (request_id, source, verdict, created) SELECT id, ?, ?, ? FROM request WHERE key = ?",
            (source, verdict, time.time(), key),
        )


def _planned(number: int, role: str) -> Planned:
    ordinal = 2 * number + (role == "negative")
    return Planned(f"{role}-{number}", ordinal, f"s{number}", role, 0, "p", "c", f"Sentence {number}.", number)


def _answer(row: Planned, said: str) -> Answered:
    text = f"Answer to {row.key}{said}"
    return Answered(Completion(row.key, text, "stop"), 1, [Outcome(text, None)])
