"""Replies as completions: what servers call the text, its end and its counts. Knows the chat-completions format; opens no connection."""

import json
import re
from collections.abc import Sequence
from typing import Any

from syncse_local.backends.openai.client import Reply
from syncse_local.backends.openai.faults import Fault, document, fault_of, plain, unlike_json
from syncse_local.records import Completion, Finish, Message, Row

FINISH: dict[str, Finish] = {
    **dict.fromkeys(("length", "max_tokens", "max_new_tokens", "model_length", "limit"), "length"),
    **dict.fromkeys(
        ("content_filter", "safety", "refusal", "blocklist", "recitation", "prohibited_content"), "refused"
    ),
    **dict.fromkeys(("error", "abort", "aborted", "cancelled", "insufficient_system_resource"), "error"),
}
"""Why an answer ends, by the words of OpenAI, vLLM, TGI, Mistral, Gemini, DeepSeek and OpenRouter; any other word is `stop`."""
OPEN, CLOSED = "<think>\n", "\n</think>\n\n"
"""Around a thought that came in a field of its own: raw answers keep both, marked as most models mark it."""


def messages_of(prefix: Sequence[Message], row: Row) -> list[Message]:
    """The messages of a row; an empty turn means that the prefix is the whole prompt."""
    return [*prefix, Message("user", row.turn)] if row.turn else list(prefix)


def encode(body: dict[str, Any]) -> bytes:
    """The body as it travels."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def read(reply: Reply, row: Row, seconds: float) -> Completion | Fault:
    """The completion in a reply, or what is wrong with it."""
    if reply.status != 200:
        return fault_of(reply)
    found = document(reply)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        return Fault("failed", f"{unlike_json(reply)}.", billed=True, named="unreadable answer")
    choice = _choice(found)
    if choice is None or found.get("error") or choice.get("error"):
        return _error(reply, found, choice or {})
    message = choice.get("message", choice.get("delta", {}))
    message = message if isinstance(message, dict) else {"content": message}
    content = message.get("content", choice.get("text", found.get("response")))
    text, inline = texts(content)
    thought = inline or next(
        (t for n in ("reasoning_content", "reasoning", "thinking") if (t := texts(message.get(n))[0])), ""
    )
    prompt, cached, output, reasoning = _usage(found)
    counts: dict[str, Any] = {
        "prompt_tokens": prompt,
        "cached_tokens": cached,
        "output_tokens": output,
        "seconds": seconds,
    }
    if refusal := message.get("refusal"):
        return Completion(row.key, "", "refused", **counts, error=plain(str(refusal)))
    ended = _finish(choice.get("finish_reason", found.get("done_reason")), output, row)
    if ended == "refused":
        return Completion(row.key, "", "refused", **counts, error="The server's content filter stopped the answer.")
    if ended == "error":
        why = plain(str(choice.get("finish_reason")))
        return Fault("failed", f"the engine ended the answer: {why}.", billed=True, named="engine")
    if not text.strip() and (thought or reasoning):
        spent = f"its {reasoning or output} tokens" if reasoning or output else "its tokens"
        return Completion(row.key, OPEN + thought, ended, **counts, error=NO_ANSWER.format(spent=spent))
    kept = _cut(text, row.sampling.stop)
    before = OPEN + thought + CLOSED if thought.strip() else ""
    return Completion(row.key, before + kept, "stop" if kept != text else ended, **counts)


NO_ANSWER = (
    "The model spent {spent} on reasoning and wrote no answer. Give it room with --thinking on, "
    "or switch its reasoning off at the server."
)


def _choice(found: dict[str, Any]) -> dict[str, Any] | None:
    """The first choice; of other APIs on the same address (Ollama's, plain completions) what stands for it."""
    choices = found.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return choices[0]
    return found if isinstance(found.get("message"), dict) or isinstance(found.get("response"), str) else None


def _error(reply: Reply, found: dict[str, Any], choice: dict[str, Any]) -> Fault:
    """The fault in a 200: the status that its error states, or a server's fault."""
    inside = found.get("error") or choice.get("error") or found
    codes = [str(inside.get(name)) for name in ("code", "status", "status_code")] if isinstance(inside, dict) else []
    status = next((int(code) for code in codes if re.fullmatch("[45][0-9][0-9]", code)), 0)
    if not status and not found.get("error") and not choice and not _says_why(found):
        return Fault("failed", "the answer has no choices.", billed=True, named="unreadable answer")
    body = json.dumps({"error": inside}).encode() if inside is not found else reply.body
    return fault_of(Reply(status or 500, reply.content_type, body, reply.retry_after, reply.coding))


def _says_why(found: dict[str, Any]) -> bool:
    return any(
        isinstance(found.get(name), (str, dict, list)) and found[name] for name in ("detail", "message", "errors")
    )


def texts(content: object) -> tuple[str, str]:
    """(text, thought) of a content, which some servers send as parts, a thought among them."""
    if isinstance(content, str):
        return content, ""
    parts = [content] if isinstance(content, dict) else content if isinstance(content, list) else []
    said = {True: "", False: ""}
    for part in parts:
        thought = isinstance(part, dict) and part.get("type") in ("thinking", "reasoning")
        said[thought] += _words(part) or "".join(map(_words, _inner(part)))
    return said[False], said[True]


def _words(part: object) -> str:
    """A part's own text: what it is, or what stands under the name that servers have for it."""
    if isinstance(part, dict):
        part = next((part[name] for name in ("text", "thinking", "content", "value") if part.get(name)), "")
    return part if isinstance(part, str) else ""


def _inner(part: object) -> list[object]:
    """The parts in a part: a thought is a list of them with some servers, a text an object with others."""
    if not isinstance(part, dict):
        return []
    inner: object = next((part[name] for name in ("text", "thinking", "content") if part.get(name)), [])
    return inner if isinstance(inner, list) else [inner]


def _finish(reason: object, output: int, row: Row) -> Finish:
    """Why the answer ended; where the server does not say, the count of tokens does."""
    if isinstance(reason, str) and reason:
        return FINISH.get(reason.lower(), "stop")
    return "length" if output >= row.sampling.max_tokens else "stop"


def _usage(found: dict[str, Any]) -> tuple[int, int, int, int]:
    """(prompt, cached, output, reasoning) tokens; 0 where the server counts nothing."""
    usage = found.get("usage")
    if not isinstance(usage, dict):
        usage = {"prompt_tokens": found.get("prompt_eval_count"), "completion_tokens": found.get("eval_count")}
    counts = (
        usage.get("prompt_tokens"),
        _inside(usage, "prompt_tokens_details", "cached_tokens"),
        usage.get("completion_tokens"),
        _inside(usage, "completion_tokens_details", "reasoning_tokens"),
    )
    prompt, cached, output, reasoning = (n if isinstance(n, int) and 0 <= n < 1 << 31 else 0 for n in counts)
    return prompt, min(cached, prompt), output, reasoning


def _inside(usage: dict[str, Any], name: str, inner: str) -> object:
    details = usage.get(name)
    return details.get(inner) if isinstance(details, dict) else 0


def _cut(text: str, stops: Sequence[str]) -> str:
    found = [at for stop in stops if stop and (at := text.find(stop)) >= 0]
    return text[: min(found)] if found else text
