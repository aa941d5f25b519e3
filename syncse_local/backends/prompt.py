"""One prompt as an engine will send it, taken apart for a person: its tokens, what rows share, how the answer is to begin.

Knows profiles; tokenising is a function that is passed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from syncse_local.backends.chat import PROBES, PromptProfile, Tokenise, common
from syncse_local.backends.template import ChatTemplate
from syncse_local.records import Message


@dataclass(frozen=True, slots=True)
class SentPrompt:
    """The prompt's `text` and `tokens`; rows of its context share the first `shared` tokens, which end at `shared_chars`.

    `how`: what was done to the messages and to reasoning, in words. `begins`: how the answer is expected to begin, in words.
    """

    text: str
    tokens: int
    shared: int
    shared_chars: int
    how: str
    begins: str


def sent(
    profile: PromptProfile, messages: Sequence[Message], guard: Callable[[str], str], tokenise: Tokenise
) -> SentPrompt:
    """The prompt of a row's messages, the last of which is its own turn, if that is a user's. Raises SyncseError(PREFLIGHT)."""
    said = [Message(m.role, guard(m.content)) for m in messages]
    text = profile.render(said)
    tokens = list(tokenise(text))
    own = said[-1].role == "user"
    others = [profile.render([*said[:-1], Message("user", probe)]) if own else text for probe in PROBES]
    shared = min(common(tokens, list(tokenise(other))) for other in others)
    chars = min(_common(text, other) for other in others)
    return SentPrompt(text, len(tokens), shared, chars, _how(profile, said), _begins(profile, text))


def _common(first: str, second: str) -> int:
    return next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second))
    )


def _how(profile: PromptProfile, messages: Sequence[Message]) -> str:
    if not isinstance(profile, ChatTemplate):
        return "plain few-shot text"
    way = profile.way([m.role for m in messages])
    switches = ", ".join(f"{name}={value!r}" for name, value in way.switches.items())
    done = [
        "the model's own chat template",
        "its system text begins the first user turn" if way.merged else "",
        "contents as lists of parts" if way.parts else "",
        f"reasoning switched by {switches}" if switches else "",
        f'"{way.note}" added to the system text' if way.note else "",
    ]
    return "; ".join(filter(None, done))


def _begins(profile: PromptProfile, prompt: str) -> str:
    if mark := profile.opening(prompt):
        return f"with reasoning, whose mark {mark} is open"
    return "with the answer, or with a thought that the model opens by itself"
