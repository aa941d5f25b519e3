"""Plain records that pass between the plan, the backends, the jobs and the store. They know no engine and no database."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, Protocol

Finish = Literal["stop", "length", "cancelled", "refused", "error"]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat turn; role is `system`, `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters of one request. `top_k` 0 and `min_p` 0 mean off; penalties are the OpenAI API's.

    `grammar` is one in GBNF that the answer must follow (rule `root`), or empty.
    """

    temperature: float = 1.0
    top_p: float = 0.9
    top_k: int = 0
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repeat_penalty: float = 1.0
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    grammar: str = ""

    def to_dict(self) -> dict[str, object]:
        """Plain data, for keys and files; without a grammar where there is none, so that older keys stay what they were."""
        data = asdict(self)
        if not self.grammar:
            del data["grammar"]
        return data


@dataclass(frozen=True, slots=True)
class Row:
    """One planned request: `turn` is the last user turn (empty: the context's prefix is the whole prompt)."""

    key: str
    turn: str
    seed: int
    sampling: Sampling


@dataclass(frozen=True, slots=True)
class Context:
    """Rows that share a prompt prefix: the instruction and one draw of exemplars."""

    id: str
    prefix: tuple[Message, ...]
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a backend answered for one row, or why there is no answer.

    `finish`: `stop` (the model ended or a stop string), `length` (max_tokens), `refused` (for good: the prompt does not
    fit the context, its content is not taken, or its grammar cannot be read), `cancelled`, or `error`: no answer now, and
    another try may bring one. `error` is the reason in words, `fault` in a word or two (`time-out`, `HTTP 500`).
    `cached_tokens` are prompt tokens that were not computed for this row.
    """

    key: str
    text: str
    finish: Finish
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    error: str = ""
    fault: str = ""

    @property
    def answered(self) -> bool:
        """Whether this is an answer, good or bad, that stands; what is none is asked again."""
        return self.finish not in ("error", "cancelled")


@dataclass(frozen=True, slots=True)
class InFlight:
    """What an engine is at now: rows in flight; prompt tokens read and tokens written since it was loaded, 0 where unknown."""

    rows: int = 0
    read: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Triplet:
    """(sentence, positive, hard negative), the unit of training data."""

    sentence: str
    positive: str
    negative: str


@dataclass(frozen=True, slots=True)
class ScoredPair:
    """Two sentences and their gold similarity."""

    first: str
    second: str
    gold: float


class Reporter(Protocol):
    """Where a stage says how far it is; implemented by the worker over the store."""

    def progress(self, done: int, total: int, **data: object) -> None:
        """Say how far the stage is; calls are throttled, the last one is kept."""

    def event(self, kind: str, **data: object) -> None:
        """Record one event."""

    def metric(self, name: str, step: int, value: float) -> None:
        """Record one point of a curve."""

    def cancelled(self) -> bool:
        """Whether the run has been asked to stop; cheap enough to call per token batch."""
