"""Turns chat messages into the text and the tokens that a model was trained to see.

Knows chat templates and the plain few-shot profile; knows no engine (tokenising is a function that is passed in).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, Literal, Protocol

from syncse_local.backends.base import ChatProfile
from syncse_local.backends.template import ChatTemplate
from syncse_local.backends.thinking import Thinking
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.records import Message

Tokenise = Callable[[str], Iterable[int]]
PROBES = ("Probe one.", "7 other words")
"""Last turns with no first token in common: what their renderings share is the prefix of any row."""
"""Characters of a template: far beyond those that models bring."""


class PromptProfile(Protocol):
    """A way to write messages as one text."""

    kind: Literal["chat", "plain"]

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text, ending where the model's answer begins."""

    def stops(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Stop strings the profile needs besides the recipe's."""

    def opening(self, prompt: str) -> str:
        """The mark of reasoning that the prompt ends in, which belongs to what the model writes next; mostly empty."""

    @property
    def notes(self) -> list[str]:
        """What a person should know of how messages reach the model."""

    @property
    def marks(self) -> list[str]:
        """Marks that the profile itself writes, so that data must not hold them."""


class PlainProfile:
    """Few-shot text for models without a chat template: `Sentence: ...` / `Answer: ...` blocks."""

    kind: Literal["chat", "plain"] = "plain"
    marks: ClassVar[list[str]] = []
    notes: ClassVar[list[str]] = []

    def opening(self, prompt: str) -> str:
        """None: plain text marks no reasoning."""
        return ""

    def render(self, messages: Sequence[Message]) -> str:
        """System text stands alone; an answer follows its sentence after a line break."""
        parts = {"user": "Sentence: {}\n", "assistant": "Answer: {}\n\n"}
        return "".join(parts.get(m.role, "{}\n\n").replace("{}", m.content) for m in messages) + "Answer:"

    def stops(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """One line, unless the prompt asks for a list (an exemplar answer of several lines, or no sentence at all)."""
        several = any(m.role == "assistant" and "\n" in m.content for m in messages)
        asked = any(m.role == "user" for m in messages)
        return ("\nSentence:", "\n\n") if several or not asked else ("\n",)


def choose_profile(
    info: ModelInfo,
    wanted: ChatProfile,
    bos: str = "",
    eos: str = "",
    thinking: Thinking = "off",
    variables: Sequence[str] = (),
) -> PromptProfile:
    """The profile of a model. Raises SyncseError(PREFLIGHT) when `chat` is wanted and the model has no template.

    `variables` are further names for the template, as `NAME=VALUE`; a value that is no JSON is text (USAGE for no name).
    """
    if wanted == "plain" or (wanted == "auto" and not info.chat_template):
        return PlainProfile()
    if not info.chat_template:
        raise SyncseError(
            "The model has no chat template",
            f"{info.path.name} brings no tokenizer.chat_template.",
            "Use the profile 'plain' or 'auto', or a chat model.",
            ExitCode.PREFLIGHT,
        )
    return ChatTemplate(info.chat_template, bos, eos, thinking, dict(map(_variable, variables)))


def _variable(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip().isidentifier()):
        raise SyncseError(
            "Bad template variable", f"{text!r} has no name and value.", "Write NAME=VALUE.", ExitCode.USAGE
        )
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value


def asked_of(thinking: Thinking, variables: Sequence[str]) -> str:
    """What of the prompt's form belongs to an engine's version, so that other answers have other keys; mostly empty."""
    asked = [f"thinking={thinking}"] * (thinking != "off") + [f"template.{text}" for text in sorted(variables)]
    return "".join(f", {text}" for text in asked)


def shared_prefix(profile: PromptProfile, tokenise: Tokenise, prefix: Sequence[Message]) -> list[int]:
    """The tokens that prompts of this context have in common, whatever the template does with the last turn.

    The longest common token prefix of two renderings with unlike turns. A row may still differ inside it (a turn that
    merges with what stands before it), so callers compare each row's own tokens: see `common`.
    """
    first, second = (list(tokenise(profile.render([*prefix, Message("user", probe)]))) for probe in PROBES)
    return first[: common(first, second)]


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the longest common prefix."""
    length = min(len(first), len(second))
    if list(first[:length]) == list(second[:length]):
        return length
    return next(i for i in range(length) if first[i] != second[i])
