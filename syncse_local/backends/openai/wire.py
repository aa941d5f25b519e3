"""Rows as chat-completion requests and replies as completions; learns which parameters a server will not have.

Knows the chat-completions format; opens no connection.
"""

import json
import logging
import re
import threading
from collections.abc import Sequence
from typing import Any

from syncse_local.backends.openai.client import Reply
from syncse_local.backends.openai.faults import Fault, document, fault_of, plain, unlike_json
from syncse_local.records import Completion, Finish, Message, Row, Sampling

log = logging.getLogger("syncse_local.openai_compat")
LIMITS = ("max_tokens", "max_completion_tokens")
NEEDED = frozenset({"model", "messages", "max_tokens", "max_completion_tokens", "stream"})
MAX_STOPS = 4
"""Stop strings that the API takes; all of them are applied here again."""
FINISH: dict[object, Finish] = {"length": "length", "content_filter": "refused"}


class ServerDialect:
    """The parameters that the servers of a run understand. Any thread may use it."""

    def __init__(self, model: str) -> None:
        self.model, self._lock = model, threading.Lock()
        self._dropped: set[str] = set()
        self._limit = "max_tokens"
        self.warnings: list[str] = []

    def request(
        self, messages: Sequence[Message], sampling: Sampling, seed: int, limited: bool = True
    ) -> dict[str, Any]:
        """The body of a request; parameters at their neutral value are left out, and `max_tokens` unless `limited`."""
        turns = [{"role": m.role, "content": _sendable(m.content)} for m in messages]
        body = {
            "model": self.model,
            "messages": turns,
            "stream": False,
            self._limit: sampling.max_tokens if limited else None,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": seed,
            "stop": list(sampling.stop[:MAX_STOPS]) or None,
            "presence_penalty": sampling.presence_penalty or None,
            "frequency_penalty": sampling.frequency_penalty or None,
            "top_k": sampling.top_k or None,
            "min_p": sampling.min_p or None,
            "repeat_penalty": sampling.repeat_penalty if sampling.repeat_penalty != 1 else None,
            "repetition_penalty": sampling.repeat_penalty if sampling.repeat_penalty != 1 else None,
        }
        return {name: value for name, value in body.items() if value is not None and name not in self._dropped}

    def learn(self, fault: Fault, body: dict[str, Any]) -> bool:
        """Whether a rejection names a parameter that can be left out or renamed: then from now on it is."""
        if fault.kind != "rejected":
            return False
        with self._lock:
            if "max_completion_tokens" in fault.said and "max_tokens" in body:
                return self._adopt("max_tokens", f"max_tokens is sent as max_completion_tokens: {fault.said}")
            for name in sorted(body.keys() - NEEDED, key=len, reverse=True):
                if fault.param == name or re.search(rf"\b{name}\b", fault.said):
                    return self._adopt(name, f"The server does not take {name}; it is left out: {fault.said}")
        return False

    def _adopt(self, name: str, warning: str) -> bool:
        """Requests already on their way meet the same rejection: only the first is news."""
        if name == "max_tokens":
            new, self._limit = self._limit == name, "max_completion_tokens"
        else:
            new = name not in self._dropped
            self._dropped.add(name)
        if new:
            self.warnings.append(warning)
            log.warning("%s", warning)
        return True


def too_many(fault: Fault) -> bool:
    """Whether a rejection is for more `max_tokens` than the context holds beside the prompt, as vLLM's server words it."""
    return fault.param in LIMITS and bool(re.search(r"max_model_len|context", fault.said))


def messages_of(prefix: Sequence[Message], row: Row) -> list[Message]:
    """The messages of a row; an empty turn means that the prefix is the whole prompt."""
    return [*prefix, Message("user", row.turn)] if row.turn else list(prefix)


def encode(body: dict[str, Any]) -> bytes:
    """The body as it travels."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")  # servers answer lone surrogates with errors of their own


def read(reply: Reply, row: Row, seconds: float) -> Completion | Fault:
    """The completion in a reply, or what is wrong with it."""
    if reply.status != 200:
        return fault_of(reply)
    found = document(reply)
    if found is None:
        return Fault("failed", unlike_json(reply), billed=True)
    if "error" in found:
        inside = found["error"]
        status = inside.get("code") if isinstance(inside, dict) else None
        stated = status if isinstance(status, int) and 400 <= status < 600 else 500
        return fault_of(Reply(stated, reply.content_type, reply.body, reply.retry_after))
    try:
        choice = found["choices"][0]
        message = choice["message"]
        text, refusal, finish = _text(message.get("content")), message.get("refusal"), choice.get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        return Fault("failed", "the answer has no choices", billed=True)
    prompt, cached, output = _usage(found.get("usage"))
    counts: dict[str, Any] = {"prompt_tokens": prompt, "cached_tokens": cached, "output_tokens": output}
    if refusal:
        return Completion(row.key, "", "refused", **counts, seconds=seconds, error=plain(str(refusal)))
    ended: Finish = FINISH.get(finish, "stop") if isinstance(finish, str) else "stop"
    if ended == "refused":
        said = "The server's content filter stopped the answer."
        return Completion(row.key, "", "refused", **counts, seconds=seconds, error=said)
    kept = _cut(text, row.sampling.stop)
    return Completion(row.key, kept, "stop" if kept != text else ended, **counts, seconds=seconds)


def _text(content: object) -> str:
    """A message's text, which some servers send as parts; None is an answer without words."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if content is None or isinstance(content, str):
        return content or ""
    raise TypeError


def _usage(usage: object) -> tuple[int, int, int]:
    """(prompt, cached, output) tokens; 0 where the server counts nothing."""
    if not isinstance(usage, dict):
        return 0, 0, 0
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    counts = (usage.get("prompt_tokens"), cached, usage.get("completion_tokens"))
    prompt, cached, output = (n if isinstance(n, int) and 0 <= n < 1 << 31 else 0 for n in counts)
    return prompt, min(cached, prompt), output


def _cut(text: str, stops: Sequence[str]) -> str:
    found = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return text[: min(found)] if found else text
