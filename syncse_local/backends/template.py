"""A model's own chat template: how messages reach it whole, and how its reasoning is switched. Decided once, on probes.

Knows Jinja through the sandbox, and no engine. What a template does with a real sentence changes none of the decisions.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Literal

from jinja2.exceptions import TemplateError

from syncse_local.backends.messages import merge_system
from syncse_local.backends.sandbox import TemplateSandbox
from syncse_local.backends.thinking import ON, Thinking, switches_off
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Message
from syncse_local.text.reasoning import closed, open_mark

MAX_TEMPLATE = 1 << 20
"""Characters; the longest published template has some 30,000."""
WORDS = ("alder", "birch", "cedar", "dogwood", "elm", "fir", "ginkgo", "hazel")
"""Probes say one of these each, so that it can be seen which of them arrived."""
ASKED = ("system", "user")
"""A request without exemplars."""
WHOLE = ("system", "user", "assistant", "user")
"""The shape of a prompt with one exemplar, from which the way of a past answer is read."""
NO_THINK = "/no_think"
"""What some models look for in the system text."""
_MARK = re.compile(
    r"<[|\uff5c]?[^<>\s]{1,40}?[|\uff5c]?>|\[/?[A-Z][A-Z_]{2,}\]|[\u25c1\u3010][^\s\u25b7\u3011]{1,30}[\u25b7\u3011]"
)
Turns = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Way:
    """How messages of one shape are handed to the template.

    `merged`: system text begins the next user turn. `parts`: contents are lists of parts. `switches`: further names that
    the template knows. `note`: added to the system text.
    """

    merged: bool = False
    parts: bool = False
    switches: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def turns(self, messages: Sequence[Message]) -> Turns:
        """The messages as templates take them."""
        if self.note:
            messages = [_noted(m, self.note) for m in messages]
        chosen = merge_system(messages) if self.merged else messages
        return [{"role": m.role, "content": [_part(m.content)] if self.parts else m.content} for m in chosen]


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _noted(message: Message, note: str) -> Message:
    return Message("system", f"{message.content}\n{note}") if message.role == "system" else message


class ChatTemplate:
    """The Jinja chat template that a model file brings. Raises SyncseError(PREFLIGHT) when it does not compile.

    `thinking`: reasoning is switched `off`, `on`, or left as the template has it (`auto`). `variables` are further names.
    """

    kind: Literal["chat", "plain"] = "chat"

    def __init__(
        self,
        source: str,
        bos: str = "",
        eos: str = "",
        thinking: Thinking = "off",
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self._sandbox = TemplateSandbox()
        self._names = {"bos_token": bos, "eos_token": eos, **(variables or {})}
        self._source, self._bos, self._thinking = source, bos, thinking
        self._ways: dict[tuple[str, ...], Way] = {}
        self._answer: tuple[str, str] | None = None
        if len(source) > MAX_TEMPLATE:
            raise _bad_template(f"it is {len(source)} characters long")
        try:
            self._template = self._sandbox.from_string(source)
        except (TemplateError, SyntaxError, RecursionError, ValueError, MemoryError) as problem:
            raise _bad_template(str(problem)) from problem

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt text. Raises SyncseError(PREFLIGHT) when the template fails, loops, grows without end or loses text."""
        prompt = self._run(self.way([m.role for m in messages]), messages)
        return self._without_thought(prompt) if self._thinking == "off" else prompt

    @property
    def notes(self) -> list[str]:
        """What a person should know of how messages reach the model."""
        try:
            merged = self.way(ASKED).merged
        except SyncseError:  # rows will say why
            return []
        return ["The chat template takes no system turn, so that text begins the first user turn."] if merged else []

    def stops(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """None: the model ends its turn with a token."""
        return ()

    def opening(self, prompt: str) -> str:
        """The mark of reasoning that the prompt ends in: what the model writes next is no answer yet."""
        return open_mark(prompt)

    @property
    def marks(self) -> list[str]:
        """The marks of turns and of reasoning that the template itself writes; data must not hold them."""
        try:
            shown = self._run(self.way(WHOLE), probes(WHOLE))
        except SyncseError:
            return []
        return sorted(set(_MARK.findall(shown)))

    def way(self, roles: Sequence[str]) -> Way:
        """How messages of this shape reach the template whole, with reasoning switched as asked. Raises SyncseError."""
        shape = tuple(roles)
        if shape not in self._ways:
            found = self._whole_way(probes(shape))
            self._ways[shape] = self._switched(found, probes(shape))
        return self._ways[shape]

    def _whole_way(self, messages: Sequence[Message]) -> Way:
        fault: SyncseError | None = None
        lost: list[Message] = []
        merges = [False, True] if any(m.role == "system" for m in messages) else [False]
        for way in (Way(merged, parts) for merged in merges for parts in (False, True)):
            try:
                text = self._run(way, messages)
            except SyncseError as problem:
                fault = fault or problem
                continue
            missing = [m for m in messages if m.content not in text]
            if not missing:
                return way
            lost = lost or missing
        if lost:
            roles = " and ".join(dict.fromkeys(f"{m.role} text" for m in lost))
            raise _bad_template(f"it leaves out {roles}, however it is handed over")
        raise fault or _bad_template("it renders nothing")

    def _switched(self, way: Way, messages: Sequence[Message]) -> Way:
        if self._thinking == "auto":
            return way
        if self._thinking == "on":
            return _with(way, ON)

        def tail(tried: Way) -> str | None:
            try:
                text = self._run(tried, messages)
            except SyncseError:
                return None
            return text if all(m.content in text for m in messages) else None

        plain = tail(way) or ""
        found = switches_off(lambda names: tail(_with(way, names)), plain, messages[-1].content)
        chosen = _with(way, found)
        if NO_THINK in self._source and not found and any(m.role == "system" for m in messages):
            noted = Way(way.merged, way.parts, note=NO_THINK)
            shown = tail(noted)
            if (
                shown is not None
                and shown.rpartition(messages[-1].content)[2] != plain.rpartition(messages[-1].content)[2]
            ):
                return noted
        return chosen

    def _without_thought(self, prompt: str) -> str:
        prompt = closed(prompt)
        if self._answer is None:
            self._answer = self._past_answer()
        asked, written = self._answer
        return prompt[: len(prompt) - len(asked)] + written if written and prompt.endswith(asked) else prompt

    def _past_answer(self) -> tuple[str, str]:
        """What stands between a question and its end, and between a question and a past answer, where that says more."""
        messages = probes(WHOLE)
        try:
            text = closed(self._run(self.way(WHOLE), messages))
        except SyncseError:
            return "", ""
        asked = text.rpartition(messages[3].content)[2]
        written = text.partition(messages[1].content)[2].partition(messages[2].content)[0]
        more = written[len(asked.rstrip()) :] if asked.strip() and written.startswith(asked.rstrip()) else ""
        return (asked, written) if more.strip() else ("", "")

    def _run(self, way: Way, messages: Sequence[Message]) -> str:
        self._sandbox.budget.restart()
        names = {**way.switches, **self._names}
        try:
            text = self._template.render(messages=way.turns(messages), add_generation_prompt=True, **names)
        except (TemplateError, RecursionError, MemoryError, OverflowError) as problem:
            raise _bad_template(str(problem) or type(problem).__name__) from problem
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, LookupError) as problem:
            raise _bad_template(f"{type(problem).__name__}: {problem}") from problem
        start = text.lstrip()
        return start if self._bos and start.startswith(self._bos) else text


def probes(roles: Sequence[str]) -> list[Message]:
    """Messages of this shape, each with a word of its own."""
    words = islice(cycle(WORDS), len(roles))
    return [Message(role, f"Probe {place} {word}") for place, (role, word) in enumerate(zip(roles, words, strict=True))]


def _with(way: Way, switches: Mapping[str, Any]) -> Way:
    return Way(way.merged, way.parts, {**way.switches, **switches}, way.note)


def _bad_template(problem: str) -> SyncseError:
    return SyncseError(
        "The model's chat template failed",
        f"The template stored in the model file cannot be used: {problem[:300]}.",
        "Use the profile 'plain' (--chat-profile plain), or another copy of the model.",
        ExitCode.PREFLIGHT,
    )
