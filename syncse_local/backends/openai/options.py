"""Options of the server backend, checked before anything is asked of a server. Knows names and ranges, no protocol."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from syncse_local.backends.options import read_options
from syncse_local.backends.thinking import Thinking
from syncse_local.errors import ExitCode, SyncseError

NAME = "openai_compat"
SystemTurn = Literal["system", "user"]
SWITCHES = {
    "off": {"enable_thinking": False, "thinking": False},
    "on": {"enable_thinking": True, "thinking": True},
}
"""The names by which the chat templates of vLLM, SGLang and llama-server are told; one ignores those that it does not use."""


@dataclass(frozen=True, slots=True)
class OpenAIOptions:
    """How servers are asked.

    `base_urls`: one pool; all must serve the same model. `allow_remote`: rows may leave this machine. `api_key_file`:
    see `key`. `concurrency`: requests in flight per URL. `timeout_s`: seconds one request may take. `retries`:
    how often a row is asked again after faults. `backoff_s`: first pause after a fault, doubled each time, at most 30 s.
    `patience_s`: seconds after a row's first attempt (and of a server's Retry-After) that are waited at most.
    `thinking`: whether a model may reason before it answers (`off` and `on` are said by the names that servers have for it,
    `auto` says nothing), and `thinking_tokens` how long, beyond the answer's own tokens. `chat_template_kwargs`,
    `reasoning_effort` and `extra_body` go to the server as they are. `system_turn`: `user` puts the system text into the first
    user turn, for servers that drop it without a word.
    `prices`: money per million tokens, `{model: {input, output, cached}}`. `max_spend`: ceiling in the same money for
    one start of a run, 0 for none.
    """

    base_urls: tuple[str, ...] = ()
    allow_remote: bool = False
    api_key_file: str = ""
    concurrency: int = 8
    timeout_s: float = 120.0
    retries: int = 6
    backoff_s: float = 0.5
    patience_s: float = 600.0
    thinking: Thinking = "off"
    thinking_tokens: int = 1024
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)
    reasoning_effort: str = ""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    system_turn: SystemTurn = "system"
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    max_spend: float = 0.0

    def __post_init__(self) -> None:
        if not self.base_urls:
            raise _bad("no server is named", "Add --base-url, for example --base-url http://127.0.0.1:8000/v1.")
        _check("concurrency", self.concurrency, 1, 1024)
        _check("timeout_s", self.timeout_s, 0.01, 86_400)
        _check("retries", self.retries, 0, 100)
        _check("backoff_s", self.backoff_s, 0, 60)
        _check("patience_s", self.patience_s, 0, 86_400)
        _check("max_spend", self.max_spend, 0, 1e9)
        _check("thinking_tokens", self.thinking_tokens, 0, 1 << 20)
        if taken := sorted({"model", "messages", "stream", "max_tokens", "seed"} & self.extra_body.keys()):
            raise _bad(f"extra_body holds {taken[0]}", "Give what the program does not set itself.")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "OpenAIOptions":
        """Options from plain data. Raises SyncseError (USAGE) for an unknown name or a value out of range."""
        return read_options(cls, NAME, given)

    @property
    def extra(self) -> dict[str, Any]:
        """What a request has beside the row's own sampling."""
        kwargs = {**SWITCHES.get(self.thinking, {}), **self.chat_template_kwargs}
        effort = self.reasoning_effort or ("none" if self.thinking == "off" else None)
        return {"chat_template_kwargs": kwargs or None, "reasoning_effort": effort, **self.extra_body}

    @property
    def quiet(self) -> frozenset[str]:
        """What nobody asked for in so many words, so that a server may refuse it without being told on."""
        asked = {"chat_template_kwargs": self.chat_template_kwargs, "reasoning_effort": self.reasoning_effort}
        return frozenset(name for name, value in asked.items() if not value)

    @property
    def thinking_room(self) -> int:
        """Tokens beyond the answer's own."""
        return 0 if self.thinking == "off" else self.thinking_tokens

    @property
    def asked(self) -> str:
        """What makes the same row another request, for the engine's version: other answers have other keys; mostly empty."""
        plain = OpenAIOptions(base_urls=self.base_urls)
        names = ("thinking", "chat_template_kwargs", "reasoning_effort", "extra_body", "system_turn")
        asked = {name: value for name in names if (value := getattr(self, name)) != getattr(plain, name)}
        return "".join(f", {name}={json.dumps(value, sort_keys=True)}" for name, value in asked.items())


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise _bad(f"{name} = {value!r}", f"Give a number from {least:g} to {most:g}.")


def _bad(what: str, hint: str) -> SyncseError:
    return SyncseError("Bad backend option", f"{NAME}: {what}.", hint, ExitCode.USAGE)
