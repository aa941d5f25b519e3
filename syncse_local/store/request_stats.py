"""What the requests of a run came to: answers, verdicts, tokens and time, by prompt, exemplar draw and subject.

Knows rows; knows no measure of what was written.
"""

import json
import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from syncse_local.text.reasoning import has_mark, split

SUMMED = (
    "planned", "answered", "accepted", "prompt_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "seconds",
)  # fmt: skip


@dataclass(slots=True)
class RequestTotals:
    """Requests added up. `reasoning_tokens` are those of `output_tokens` that are no answer.

    `seconds` are those of rows in flight, which overlap: a share of them is a share of the run's time.
    """

    planned: int = 0
    answered: int = 0
    accepted: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    seconds: float = 0.0
    failures: dict[str, int] = field(default_factory=dict)

    def add(self, row: "RequestGroup") -> None:
        """Take in one row of `groups`."""
        for name in SUMMED:
            setattr(self, name, getattr(self, name) + getattr(row, name))
        if row.failure:
            self.failures[row.failure] = self.failures.get(row.failure, 0) + row.answered

    @property
    def acceptance(self) -> float | None:
        """Accepted over answered."""
        return self.accepted / self.answered if self.answered else None


class RequestGroup(NamedTuple):
    """The requests of one role, prompt, context and subject that ended alike; `failure` is empty where they were accepted."""

    role: str
    prompt: str
    context: str
    genre: str
    topics: tuple[str, ...]
    failure: str
    planned: int
    answered: int
    accepted: int
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    seconds: float


def groups(connection: sqlite3.Connection, run_id: str) -> Iterator[RequestGroup]:
    """The run's requests, grouped; streamed. Of an answer's tokens the share of its letters that are reasoning counts as such."""
    connection.create_function("thought", 1, _thought, deterministic=True)
    rows = connection.execute(
        """SELECT p.role, r.prompt_id, r.context_id, r.genre, r.topics,
                  CASE d.verdict WHEN 'reject' THEN d.reason ELSE '' END AS failure,
                  count(*), count(a.request_id), coalesce(sum(d.verdict = 'accept'), 0),
                  coalesce(sum(a.prompt_tokens), 0), coalesce(sum(a.cached_tokens), 0),
                  coalesce(sum(a.output_tokens), 0),
                  CAST(round(coalesce(sum(a.output_tokens * thought(a.text)), 0)) AS INTEGER),
                  coalesce(sum(a.seconds), 0.0)
           FROM plan AS p JOIN request AS r ON r.id = p.request_id
           LEFT JOIN response AS a ON a.request_id = p.request_id
           LEFT JOIN latest_decision AS d ON d.request_id = p.request_id
           WHERE p.run_id = ? GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6""",
        (run_id,),
    )
    return (RequestGroup._make((*row[:4], _topics(row[4]), *row[5:])) for row in rows)


def _thought(text: str | None) -> float:
    """The share of an answer's letters that are reasoning, 0 to 1."""
    if not text or not has_mark(text):
        return 0.0
    return len(split(text).reasoning) / len(text)


class PromptInfo(NamedTuple):
    """Where a sentence that a run wrote comes from."""

    prompt: str
    context: str
    genre: str
    topics: tuple[str, ...]


def sentence_prompts(connection: sqlite3.Connection, run_id: str) -> Iterator[tuple[str, PromptInfo]]:
    """The sentences that a run wrote with where they come from, in plan order."""
    rows = connection.execute(
        """SELECT a.text, r.prompt_id, r.context_id, r.genre, r.topics
           FROM plan AS p JOIN request AS r ON r.id = p.request_id JOIN parse AS a ON a.request_id = p.request_id
           WHERE p.run_id = ? AND p.role = 'sentence' AND a.failure IS NULL
             AND a.version = (SELECT max(version) FROM parse AS b WHERE b.request_id = a.request_id)
           ORDER BY p.ordinal, a.position""",
        (run_id,),
    )
    return ((row[0], PromptInfo._make((*row[1:4], _topics(row[4])))) for row in rows)


def _topics(text: str) -> tuple[str, ...]:
    found: Any = json.loads(text) if text else []
    return tuple(map(str, found))


def busy_seconds(connection: sqlite3.Connection, run_id: str) -> float | None:
    """Seconds that the run was at work: from each start to the last answer before the next one. None where unknown.

    Loading the model counts; the time after a process died does not. What another run answered costs nothing.
    """
    states = "SELECT time FROM event WHERE run_id = ? AND kind = 'state' AND json_extract(data, '$.state') = 'running'"
    starts = [row[0] for row in connection.execute(f"{states} ORDER BY id", (run_id,))]
    answers = (
        "SELECT DISTINCT a.created FROM plan AS p JOIN response AS a ON a.request_id = p.request_id WHERE p.run_id = ?"
    )
    times = sorted(row[0] for row in connection.execute(answers, (run_id,)))
    if not starts:
        return None
    total = 0.0
    for start, end in zip(starts, [*starts[1:], float("inf")], strict=True):
        last = bisect_left(times, end) - 1
        if last >= bisect_right(times, start):
            total += times[last] - start
    return total
