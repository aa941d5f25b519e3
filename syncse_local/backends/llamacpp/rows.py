"""Rows on their way: prompts waiting, contexts whose prefix is shared, and the cells they take in the KV cache.

Knows prompts and cells; does not decode.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from syncse_local.backends.chat import PromptProfile, common, shared_prefix
from syncse_local.backends.messages import with_turn
from syncse_local.backends.sampling import RowSampler
from syncse_local.backends.thinking import TokenBudget
from syncse_local.errors import SyncseError
from syncse_local.records import Completion, Context, Finish, Message, Row

Tokens = NDArray[np.int32]
NO_TOKENS: Tokens = np.empty(0, np.int32)


class RowGrammar(Protocol):
    """What a row's text must follow; see grammar.Grammar."""

    def allows(self, token: int) -> bool:
        """Whether the text may go on with this token."""

    def mask(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """The logits of one row with minus infinity for what may not follow."""

    def accept(self, token: int) -> None:
        """Go on with a token."""


@dataclass(slots=True, eq=False)
class Prefix:
    """A context whose first tokens are decoded once, in a `sequence` of their own, and shared by its rows.

    `computed`: tokens that are decoded. `users`: rows in flight that share them. `left`: rows that have not started."""

    context: Context
    tokens: Tokens
    rows: Iterator["RowJob | Completion"]
    left: int = 0
    sequence: int = -1
    computed: int = 0
    users: int = 0
    closed: bool = False

    @property
    def ready(self) -> bool:
        """Whether every token of the prefix has been decoded."""
        return self.computed == len(self.tokens)


@dataclass(slots=True, eq=False)
class RowJob:
    """One row in flight: its prompt tokens, how many of them are in the cache, and what it has written so far.

    `limit` bounds what it writes; up to `thought` tokens of it are reasoning. `opening`: a mark that the prompt ends in and
    that belongs to the text.
    """

    row: Row
    tokens: Tokens
    shared: int
    limit: int
    stops: tuple[bytes, ...]
    prefix: Prefix | None = None
    new_grammar: Callable[[], RowGrammar] | None = None
    opening: bytes = b""
    thought: int = 0
    grammar: RowGrammar | None = None
    sequence: int = -1
    computed: int = 0
    generated: int = 0
    text: bytearray = field(default_factory=bytearray)
    sampler: RowSampler = field(init=False)
    budget: TokenBudget = field(init=False)
    started: float = 0.0

    def __post_init__(self) -> None:
        self.restart()

    @property
    def cells_needed(self) -> int:
        """KV cells that the row may need beside the shared ones."""
        return len(self.tokens) - self.shared + self.limit

    def restart(self) -> None:
        """Forget what was generated; the seed makes it again."""
        self.computed, self.generated, self.sequence = self.shared, 0, -1
        self.text[:] = self.opening
        self.budget = TokenBudget(self.limit - self.thought, self.thought)
        self.sampler = RowSampler(self.row.sampling, self.row.seed)
        self.grammar = self.new_grammar() if self.new_grammar else None

    def add(self, token: int, piece: bytes) -> Finish | None:
        """Take one generated token; returns why the row ends here, if it does."""
        self.generated += 1
        self.text += piece
        self.sampler.accept(token)
        if self.grammar:
            self.grammar.accept(token)
        if self.stops:
            longest = max(map(len, self.stops))
            start = max(0, len(self.text) - len(piece) - longest + 1)
            found = [at for at in (self.text.find(stop, start) for stop in self.stops) if at >= 0]
            if found:
                del self.text[min(found) :]
                return "stop"
        return "length" if self.budget.spent(self.generated, self.text, piece) else None

    def completion(self, finish: Finish, error: str = "") -> Completion:
        """The row's answer. Bytes that are no UTF-8 are replaced here, once, so a letter cut in two tokens is whole."""
        return Completion(
            key=self.row.key,
            text=self.text.decode("utf-8", "replace"),
            finish=finish,
            prompt_tokens=len(self.tokens),
            cached_tokens=self.shared,
            output_tokens=self.generated,
            seconds=time.monotonic() - self.started if self.started else 0.0,
            error=error,
        )


@dataclass(frozen=True, slots=True)
class PromptTokeniser:
    """Makes jobs of rows: renders, tokenises, finds what a prompt shares, refuses prompts that cannot fit.

    `window` is the longest sequence (tokens); `longest` the most bytes one token can stand for. `whole`: a prefix is shared
    to its last token or not at all, as the state of a recurrent model must be. `thought`: tokens of reasoning before an answer.
    """

    profile: PromptProfile
    tokenise: Callable[[str], Tokens]
    guard: Callable[[str], str]
    window: int
    whole: bool = False
    longest: int = 512
    grammar: Callable[[str], RowGrammar] | None = None
    thought: int = 0

    def open(self, context: Context) -> Prefix:
        """A context with its shared prefix (empty where sharing does not pay) and its jobs, lazily."""
        messages = [Message(m.role, self.guard(m.content)) for m in context.prefix]
        prefix = Prefix(context, NO_TOKENS, iter(()), len(context.rows))
        try:
            if len(context.rows) > 1:
                prefix.tokens = self._common(messages, context.rows)
            prefix.rows = (self._job(prefix, messages, row) for row in context.rows)
        except (SyncseError, ValueError) as problem:
            said = problem.detail if isinstance(problem, SyncseError) else str(problem)
            prefix.rows = (Completion(row.key, "", "error", error=said) for row in context.rows)
        return prefix

    def _common(self, messages: Sequence[Message], rows: Sequence[Row]) -> Tokens:
        size = sum(len(m.content) for m in messages)
        if size > self.window * self.longest:
            return NO_TOKENS
        if all(not row.turn for row in rows):
            # Equal prompts: all but the last token is shared, which each row decodes for its own first draw.
            tokens = self.tokenise(self.profile.render(messages))[:-1]
        else:
            tokens = np.asarray(shared_prefix(self.profile, self._token_list, messages), np.int32)
        return tokens if len(tokens) < self.window else NO_TOKENS

    def _token_list(self, text: str) -> list[int]:
        return [int(token) for token in self.tokenise(text)]

    def _job(self, prefix: Prefix, messages: Sequence[Message], row: Row) -> RowJob | Completion:
        turns = with_turn(messages, self.guard(row.turn))
        if sum(len(m.content) for m in turns) > self.window * self.longest:
            return self._refused(row, f"more than {self.window}")
        try:
            prompt = self.profile.render(turns)
            tokens = self.tokenise(prompt)
        except (SyncseError, ValueError) as problem:
            said = problem.detail if isinstance(problem, SyncseError) else str(problem)
            return Completion(row.key, "", "error", error=said)
        if len(tokens) >= self.window:
            return self._refused(row, str(len(tokens)), len(tokens))
        if not len(tokens):
            return Completion(row.key, "", "refused", error="The prompt is empty.")
        shared = min(_common_length(tokens, prefix.tokens), len(tokens) - 1)
        if self.whole and shared < len(prefix.tokens):
            shared = 0
        limit = max(1, min(row.sampling.max_tokens + self.thought, self.window - len(tokens)))
        thought = max(0, limit - row.sampling.max_tokens)
        opening = self.profile.opening(prompt).encode()
        stops = (*row.sampling.stop, *self.profile.stops(turns))
        encoded = tuple(dict.fromkeys(stop.encode("utf-8", "replace") for stop in stops if stop))
        try:
            return RowJob(
                row, tokens, shared, limit, encoded, prefix, self._grammar(row.sampling.grammar), opening, thought
            )
        except ValueError as problem:  # its grammar: no other try would read it
            return Completion(row.key, "", "refused", len(tokens), error=str(problem))

    def _grammar(self, text: str) -> Callable[[], RowGrammar] | None:
        new = self.grammar
        if not text or new is None:
            return None
        return lambda: new(text)

    def _refused(self, row: Row, size: str, tokens: int = 0) -> Completion:
        said = f"The prompt has {size} tokens and the context holds {self.window}."
        return Completion(row.key, "", "refused", prompt_tokens=tokens, error=said)


def _common_length(tokens: Tokens, prefix: Tokens) -> int:
    length = min(len(tokens), len(prefix))
    if np.array_equal(tokens[:length], prefix[:length]):
        return length
    return common(tokens.tolist(), prefix.tolist())


def opened(contexts: Iterable[Context], tokeniser: PromptTokeniser) -> Iterator[Prefix]:
    """Contexts in order, opened one at a time; those without rows are passed over."""
    return (tokeniser.open(context) for context in contexts if len(context.rows))
