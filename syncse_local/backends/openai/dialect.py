"""How one server wants its requests: the API's own form, and the changes to it that servers have asked for, by their words.

A change is learnt once for a server and a run: by what a rejection says, or, where it says nothing, by what is answered when
it is left out. What a server has once answered in a form is no cause of a later rejection. Knows no connection.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from syncse_local.backends.messages import merge_system
from syncse_local.backends.openai.faults import Fault
from syncse_local.records import Message, Sampling

log = logging.getLogger("syncse_local.openai_compat")
MAX_STOPS = 4
"""Stop strings that the API takes; all of them are applied to the answer again."""
COLDEST = 0.01
"""A temperature that draws as 0 does, for servers that will not have 0."""
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServerDialect:
    """The form of a server's requests. `left_out`: parameters; `merged`: the system text begins the first user turn; `parts`:
    contents are lists of parts; `limit`: what the most tokens are called; `coldest`: the lowest temperature."""

    left_out: frozenset[str] = frozenset()
    merged: bool = False
    parts: bool = False
    limit: str = "max_tokens"
    coldest: float = 0.0

    def body(self, messages: Sequence[Message], parameters: Mapping[str, Any]) -> Body:
        """A request with these messages and parameters, those left out that are None or not taken."""
        turns = merge_system(messages) if self.merged else messages
        content: Callable[[str], Any] = (lambda text: [{"type": "text", "text": text}]) if self.parts else str
        made: Body = {"messages": [{"role": m.role, "content": content(_sendable(m.content))} for m in turns]}
        for name, value in parameters.items():
            if value is not None and name not in self.left_out:
                made[self.limit if name == "max_tokens" else name] = value
        if self.coldest and made.get("temperature") == 0:
            made["temperature"] = self.coldest
        return made


@dataclass(frozen=True, slots=True)
class Quirk:
    """A change that a server's words ask for; `feature` is what a request must have for it to be the cause."""

    feature: str
    said: re.Pattern[str]
    change: Callable[[ServerDialect], ServerDialect]
    warning: str


_REFUSES = r"\b(not|un(?:supported|known|expected|recognized)|invalid|disallowed)\b|n't\b"
_SYSTEM = r"""(["'`]system["'`]|\bsystem[ _-]?(role|message|prompt|instruction|turn)s?\b)"""
QUIRKS = (
    Quirk(
        "max_tokens",
        re.compile(r"max_completion_tokens"),
        lambda d: replace(d, limit="max_completion_tokens"),
        "max_tokens is sent as max_completion_tokens",
    ),
    Quirk(
        "system",
        re.compile(
            rf"{_SYSTEM}[^.]{{0,60}}({_REFUSES})|({_REFUSES})[^.]{{0,60}}({_SYSTEM}|\brole\b)"
            r"|\brole\b[^.]{0,60}(unsupported|not supported|input should be|must be|one of)"
            r"|roles? must alternate|only user\b[^.]{0,40}\b(assistant|model)|developer instruction",
            re.I,
        ),
        lambda d: replace(d, merged=True),
        "It takes no system turn, so that text begins the first user turn",
    ),
    Quirk(
        "text content",
        re.compile(r"\bcontent\b[^.]{0,60}\b(list|array|sequence|parts)\b", re.I),
        lambda d: replace(d, parts=True),
        "It takes contents as lists of parts",
    ),
    Quirk(
        "temperature 0",
        re.compile(r"temperature.{0,60}(strictly positive|must be positive|greater than 0|> ?0)", re.I),
        lambda d: replace(d, coldest=COLDEST),
        f"It does not take temperature 0, and gets {COLDEST}",
    ),
)
NEEDED = frozenset({"model", "messages", "max_tokens", "max_completion_tokens", "stream"})
"""A request is none without these."""
NEUTRAL = {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0, "repetition_penalty": 1.0}
"""Values at which a parameter that is left out changes nothing, unless the server has a default of its own."""
EXTRAS = frozenset({*NEUTRAL, "chat_template_kwargs", "reasoning_effort"})
"""Parameters that are not OpenAI's own."""
STANDARD = frozenset({"seed", "stop", "presence_penalty", "frequency_penalty"})
"""Those of OpenAI's that small servers lack."""
TRIALS: tuple[tuple[str, Callable[[ServerDialect], ServerDialect]], ...] = (
    ("parameters beyond OpenAI's", lambda d: replace(d, left_out=d.left_out | EXTRAS)),
    ("the system turn", lambda d: replace(d, merged=True)),
    ("seed, stop, penalties and parameters beyond OpenAI's", lambda d: replace(d, left_out=d.left_out | EXTRAS | STANDARD)),
    ("the system turn, seed, stop, penalties and parameters beyond OpenAI's",
     lambda d: replace(d, merged=True, left_out=d.left_out | EXTRAS | STANDARD)),
)  # fmt: skip
"""What is tried, one after the other, where a server rejects its first request and does not say why."""
_LISTED = re.compile(r"(?<!un)(?<!not )\b(supported|allowed|accepted|permitted|valid)\b[^.]{0,30}(:|\bare\b).*", re.I)


def features(body: Body) -> frozenset[str]:
    """What a rejection can be about: the parameters and what is special of the messages."""
    turns = body["messages"]
    found = {*body, *(turn["role"] for turn in turns)}
    found |= {"text content"} if any(isinstance(turn["content"], str) for turn in turns) else {"content parts"}
    return frozenset(found | ({"temperature 0"} if body.get("temperature") == 0 else set()))


@dataclass(slots=True)
class Speaker:
    """What was learnt of one server. Any thread may use it.

    `quiet`: parameters that change nothing when they are left out, so that nobody need know.
    """

    name: str = ""
    quiet: frozenset[str] = frozenset()
    dialect: ServerDialect = field(default_factory=ServerDialect)
    warnings: list[str] = field(default_factory=list)
    _answered: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def proven(self) -> bool:
        """Whether the server has answered anything."""
        return bool(self._answered)

    def answers(self, body: Body) -> bool:
        """Whether the server has answered requests of this form, so that a rejection is about the row."""
        return features(body) <= self._answered

    def answered(self, body: Body) -> None:
        """Note that a request of this form was answered."""
        with self._lock:
            self._answered |= features(body)

    def settle(self, why: str, dialect: ServerDialect) -> None:
        """Keep a form that was tried and answered."""
        with self._lock:
            self._adopt(dialect, f"It rejects {why} without a word on the reason; the requests do without.")

    def learn(self, fault: Fault, body: Body) -> bool:
        """Whether the words of a rejection ask for a change: then it is made, and the row can be sent again at once.

        Requests already on their way meet the same rejection: only the first is news.
        """
        said = _without_texts(fault.said, body)
        with self._lock:
            open_ = features(body) - self._answered
            for quirk in QUIRKS:
                if quirk.feature in open_ and quirk.said.search(said):
                    return self._adopt(quirk.change(self.dialect), f"{quirk.warning}: {fault.said}")
            names = [name for name in sorted(body.keys() - NEEDED) if name in open_ and _names(name, fault.param, said)]
            if not names:
                return False
            loud = [name for name in names if name not in self.quiet and body[name] != NEUTRAL.get(name)]
            told = f"It does not take {', '.join(loud)}, left out from now on: {fault.said}" if loud else ""
            return self._adopt(replace(self.dialect, left_out=self.dialect.left_out.union(names)), told)

    def trials(self) -> Iterator[tuple[str, ServerDialect]]:
        """Forms to try where a rejection says nothing that is known: what each leaves out, and the form."""
        for why, change in TRIALS:
            tried = change(self.dialect)
            if tried != self.dialect:
                yield why, tried

    def _adopt(self, dialect: ServerDialect, warning: str) -> bool:
        if dialect != self.dialect:
            self.dialect = dialect
            self._warn(warning)
        return True

    def _warn(self, text: str) -> None:
        if text:
            self.warnings.append(f"{self.name}: {text}")
            log.warning("%s: %s", self.name, text)


def _names(name: str, param: str, said: str) -> bool:
    """Whether a rejection is about a parameter: it names it, and not in a list of what is taken."""
    if param not in ("", "None"):
        return re.fullmatch(rf"(.*\W)?{name}", param) is not None
    return re.search(rf"\b{name}\b", _LISTED.sub("", said)) is not None


def _without_texts(said: str, body: Body) -> str:
    """A server's words without those of the row, which it may quote: a sentence may speak of a seed or a role."""
    for turn in body["messages"]:
        content = turn["content"] if isinstance(turn["content"], str) else turn["content"][0]["text"]
        for text in (content, *content.splitlines()):
            said = said.replace(" ".join(text.split()), " ") if len(text) > 12 else said
    return said


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # servers answer lone surrogates with errors of their own


def parameters(sampling: Sampling, seed: int) -> dict[str, Any]:
    """A row's sampling by the API's names. Neutral values are said too: servers have defaults of their own."""
    return {
        "max_tokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seed,
        "stop": list(sampling.stop[:MAX_STOPS]) or None,
        "presence_penalty": sampling.presence_penalty or None,
        "frequency_penalty": sampling.frequency_penalty or None,
        "top_k": sampling.top_k,
        "min_p": sampling.min_p,
        "repeat_penalty": sampling.repeat_penalty,
        "repetition_penalty": sampling.repeat_penalty,
    }
