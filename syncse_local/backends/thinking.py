"""The names by which chat templates switch reasoning. A template ignores names that it does not use, so all are given at once.

Where two families want unlike values of one name, each is tried and the prompt's end decides. Knows no template.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

from syncse_local.text.reasoning import answer_begun, has_mark, open_mark, split

Thinking = Literal["off", "on", "auto"]
_OFF: dict[str, Any] = {
    "enable_thinking": False,
    "thinking": False,
    "reasoning": False,
    "enable_reasoning": False,
    "thinking_budget": 0,
    "thinking_option": "off",
    "add_thoughts": False,
}
"""Every name that a known template reads, at the value that means no reasoning."""
_EFFORTS = ("low", "none", "no_think", "minimal")
_MODES = ("disabled", "chat", "off", "no_think")
ON: dict[str, Any] = {
    "enable_thinking": True,
    "thinking": True,
    "reasoning": True,
    "enable_reasoning": True,
    "thinking_option": "on",
    "thinking_mode": "enabled",
    "add_thoughts": True,
}


_LAST = (b">", b"]", "▷".encode(), b":", b"final")
"""How the last token of a mark that ends reasoning can end: only then is the text looked at."""
_FIRST = 16
"""Tokens in which a model that reasons has opened its thought."""


def switches_off(render: Callable[[Mapping[str, Any]], str | None], plain: str, last: str) -> Mapping[str, Any]:
    """The names and values that switch reasoning off; none where they change nothing.

    `render` is the prompt with some names, None where the template fails with them; `plain` the prompt without; `last`
    the text that the prompt's end follows.
    """
    tried = ({**_OFF, "reasoning_effort": effort, "thinking_mode": mode} for effort, mode in product(_EFFORTS, _MODES))
    shown = [(names, text) for names in tried if (text := render(names)) is not None]
    if not shown:
        return {}
    names, text = min(shown, key=lambda pair: _thinks(pair[1].rpartition(last)[2]))
    return {} if text == plain else names


def _thinks(end: str) -> int:
    """How much a prompt's end asks for reasoning: a thought that is open, nothing said, a thought that is closed."""
    return 2 if open_mark(end) else 0 if split(end).reasoning else 1


@dataclass(slots=True)
class TokenBudget:
    """How many tokens a row may write: `answer` for its answer, and `thought` before it where the model reasons.

    An answer that no reasoning comes before is counted from its first token.
    """

    answer: int
    thought: int = 0
    begun: int | None = None

    def spent(self, generated: int, text: bytes | bytearray, piece: bytes) -> bool:
        """Whether the row ends here, with so many tokens made, the last of which added `piece` to `text`."""
        if not self.thought:
            return generated >= self.answer
        if self.begun is None:
            self._look(generated, text, piece)
        start = 0 if self.begun is None else self.begun
        most = self.answer if self.begun is not None else self.answer + self.thought
        return generated - start >= most

    def _look(self, generated: int, text: bytes | bytearray, piece: bytes) -> None:
        if piece.rstrip().endswith(_LAST):
            shown = text.decode("utf-8", "replace")
            if answer_begun(shown):
                self.begun = generated
        elif generated == _FIRST and not has_mark(text.decode("utf-8", "replace")):
            self.begun = 0
