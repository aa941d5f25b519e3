"""Rows as the vLLM process takes them: rendered text and sampling parameters. Knows no tokens and no process."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from syncse_local.backends.chat import PromptProfile
from syncse_local.backends.messages import guard, with_turn
from syncse_local.errors import SyncseError
from syncse_local.records import Completion, Context, Message, Row


@dataclass(frozen=True, slots=True)
class RenderedRow:
    """One row: its key, its prompt's text, and vLLM's SamplingParams as plain data."""

    key: str
    prompt: str
    sampling: dict[str, Any]
    opening: str = ""


class PromptRenderer:
    """Renders rows in this process, where a model's chat template runs in the sandbox.

    `bos` is put before prompts that lack it, `window` is the longest sequence (tokens), `longest` the most letters that
    one token stands for: texts that cannot fit are refused before they are rendered. `thought`: tokens of reasoning.
    """

    def __init__(
        self, profile: PromptProfile, specials: Sequence[str], bos: str, window: int, longest: int, thought: int = 0
    ) -> None:
        self._profile, self._guard, self._bos = profile, guard([*specials, *profile.marks]), bos
        self._window, self._most, self._thought = window, window * longest, thought

    def requests(self, contexts: Iterable[Context]) -> Iterator[RenderedRow | Completion]:
        """Every row in order, lazily: a request, or why there is none."""
        for context in contexts:
            messages = [Message(m.role, self._text(m.content)) for m in context.prefix]
            for row in context.rows:
                yield self._request(messages, row)

    def _request(self, messages: Sequence[Message], row: Row) -> RenderedRow | Completion:
        turns = with_turn(messages, self._text(row.turn))
        if sum(len(m.content) for m in turns) > self._most:
            said = f"The prompt has more than {self._window} tokens and the context holds {self._window}."
            return Completion(row.key, "", "refused", error=said)
        try:
            prompt = self._profile.render(turns)
        except (SyncseError, ValueError) as problem:
            said = problem.detail if isinstance(problem, SyncseError) else str(problem)
            return Completion(row.key, "", "error", error=said)
        if self._bos and not prompt.startswith(self._bos):
            prompt = self._bos + prompt
        asked = sampling(row, self._profile.stops(turns), self._thought)
        return RenderedRow(row.key, prompt, asked, self._profile.opening(prompt))

    def _text(self, text: str) -> str:
        return self._guard(text.encode("utf-8", "replace").decode("utf-8"))


def sampling(row: Row, stops: Sequence[str], thought: int = 0) -> dict[str, Any]:
    """The row's sampling in vLLM's names, with its own seed; `thought` tokens of reasoning may come before the answer.

    Special tokens stay in the text: they mark where reasoning ends, which the parser must see.
    """
    wanted = row.sampling
    return {
        "temperature": wanted.temperature,
        "top_p": wanted.top_p,
        "top_k": wanted.top_k,
        "min_p": wanted.min_p,
        "presence_penalty": wanted.presence_penalty,
        "frequency_penalty": wanted.frequency_penalty,
        "repetition_penalty": wanted.repeat_penalty,
        "max_tokens": wanted.max_tokens + thought,
        "skip_special_tokens": False,
        "seed": row.seed,
        "stop": list(dict.fromkeys(stop for stop in (*wanted.stop, *stops) if stop)),
        **({"grammar": wanted.grammar} if wanted.grammar else {}),
    }
