"""Turns chat messages into the text and the tokens that a model was trained to see.

Knows chat templates and the plain few-shot profile; knows no engine (tokenising is a function that is passed in).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, Protocol

from jinja2.exceptions import TemplateError

from syncse_local.backends.base import ChatProfile
from syncse_local.backends.sandbox import TemplateSandbox
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.records import Message

Tokenise = Callable[[str], Iterable[int]]
PROBES = ("Probe one.", "7 other words")
"""Last turns with no first token in common: what their renderings share is the prefix of any row."""
MAX_TEMPLATE = 1 << 20
"""Characters of a template: far beyond those that models bring."""


class PromptProfile(Protocol):
    """A way to write messages as one text."""

    kind: Literal["chat", "plain"]

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text, ending where the model's answer begins."""

    def stops(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Stop strings the profile needs besides the recipe's."""


class PlainProfile:
    """Few-shot text for models without a chat template: `Sentence: ...` / `Answer: ...` blocks."""

    kind: Literal["chat", "plain"] = "plain"

    def render(self, messages: Sequence[Message]) -> str:
        """System text stands alone; an answer follows its sentence after a line break."""
        parts = {"user": "Sentence: {}\n", "assistant": "Answer: {}\n\n"}
        return "".join(parts.get(m.role, "{}\n\n").replace("{}", m.content) for m in messages) + "Answer:"

    def stops(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """One line, unless the prompt asks for a list (an exemplar answer of several lines, or no sentence at all)."""
        several = any(m.role == "assistant" and "\n" in m.content for m in messages)
        asked = any(m.role == "user" for m in messages)
        return ("\nSentence:", "\n\n") if several or not asked else ("\n",)


class ChatTemplate:
    """The Jinja chat template that a model file brings. Raises SyncseError(PREFLIGHT) when it does not compile.

    A template that refuses system messages gets the system text at the head of the next user turn.
    """

    kind: Literal["chat", "plain"] = "chat"

    def __init__(self, source: str, bos: str = "", eos: str = "") -> None:
        self._sandbox = TemplateSandbox()
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._merge = False
        if len(source) > MAX_TEMPLATE:
            raise _bad_template(f"it is {len(source)} characters long")
        try:
            self._template = self._sandbox.from_string(source)
        except (TemplateError, RecursionError, ValueError, MemoryError) as problem:
            raise _bad_template(str(problem)) from problem

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text. Raises SyncseError(PREFLIGHT) when the template fails, loops or grows without end."""
        if self._merge:
            return self._run(merge_system(messages))
        try:
            return self._run(messages)
        except SyncseError:
            merged = merge_system(messages)
            if merged == list(messages):
                raise
            text = self._run(merged)
            self._merge = True
            return text

    def stops(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """None: the model ends its turn with a token."""
        return ()

    def _run(self, messages: Sequence[Message]) -> str:
        self._sandbox.budget.restart()
        turns = [{"role": m.role, "content": m.content} for m in messages]
        try:
            return self._template.render(messages=turns, add_generation_prompt=True, **self._tokens)
        except (TemplateError, RecursionError, MemoryError, OverflowError) as problem:
            raise _bad_template(str(problem) or type(problem).__name__) from problem
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, LookupError) as problem:
            raise _bad_template(f"{type(problem).__name__}: {problem}") from problem


def merge_system(messages: Sequence[Message]) -> list[Message]:
    """Messages without system turns: their text begins the next user turn, or becomes a user turn of its own."""
    merged: list[Message] = []
    waiting = ""
    for message in messages:
        if message.role == "system":
            waiting = f"{waiting}\n\n{message.content}".strip()
        elif waiting:
            turn = f"{waiting}\n\n{message.content}" if message.role == "user" else waiting
            merged.append(Message("user", turn))
            if message.role != "user":
                merged.append(message)
            waiting = ""
        else:
            merged.append(message)
    return [*merged, Message("user", waiting)] if waiting else merged


def choose_profile(info: ModelInfo, wanted: ChatProfile, bos: str = "", eos: str = "") -> PromptProfile:
    """The profile of a model. Raises SyncseError(PREFLIGHT) when `chat` is wanted and the model has no template."""
    if wanted == "plain" or (wanted == "auto" and not info.chat_template):
        return PlainProfile()
    if not info.chat_template:
        raise SyncseError(
            "The model has no chat template",
            f"{info.path.name} brings no tokenizer.chat_template.",
            "Use the profile 'plain' or 'auto', or a chat model.",
            ExitCode.PREFLIGHT,
        )
    return ChatTemplate(info.chat_template, bos, eos)


def guard(specials: Sequence[str]) -> Callable[[str], str]:
    """A function that breaks up special tokens inside data, so that a sentence cannot end a turn or start one."""
    listed = sorted({s for s in specials if len(s) > 2}, key=len, reverse=True)
    if not listed:
        return lambda text: text
    pattern = re.compile("|".join(map(re.escape, listed)))
    return lambda text: pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def shared_prefix(profile: PromptProfile, tokenise: Tokenise, prefix: Sequence[Message]) -> list[int]:
    """The tokens that prompts of this context have in common, whatever the template does with the last turn.

    The longest common token prefix of two renderings with unlike turns. A row may still differ inside it (a turn that
    merges with what stands before it), so callers compare each row's own tokens: see `common`.
    """
    first, second = (list(tokenise(profile.render([*prefix, Message("user", probe)]))) for probe in PROBES)
    return first[: common(first, second)]


def with_turn(prefix: Sequence[Message], turn: str) -> list[Message]:
    """The messages of a row; an empty turn means that the prefix is the whole prompt."""
    return [*prefix, Message("user", turn)] if turn else list(prefix)


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    length = min(len(first), len(second))
    if list(first[:length]) == list(second[:length]):
        return length
    return next(i for i in range(length) if first[i] != second[i])


def _bad_template(problem: str) -> SyncseError:
    return SyncseError(
        "The model's chat template failed",
        f"The template stored in the model file cannot be used: {problem[:300]}.",
        "Use the profile 'plain' (--chat-profile plain), or another copy of the model.",
        ExitCode.PREFLIGHT,
    )
