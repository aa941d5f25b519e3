"""What real servers do with requests and answers beyond the API, each as a switch of the faulty server.

`REFUSALS` look at a request and may refuse it; `ANSWERS` change what is answered; `LISTS` are ways to list the models. The words
are those of the servers named beside them.
"""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]
Refusal = tuple[int, Any]
JINJA = "System role not supported"


def _has_system(body: Body) -> bool:
    return any(message["role"] == "system" for message in body["messages"])


def _refuses_system(status: int, answer: Any) -> Callable[[Body], Refusal | None]:
    return lambda body: (status, answer) if _has_system(body) else None


def _refuses(name: str, status: int, answer: Any) -> Callable[[Body], Refusal | None]:
    return lambda body: (status, answer) if name in body else None


def _error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", **more}}


def _extra(name: str) -> dict[str, Any]:
    item = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted", "input": 1}
    return {"detail": [item]}


def _only_known(body: Body) -> Refusal | None:
    """A server that knows OpenAI's oldest parameters and says nothing of what it dislikes."""
    known = {"model", "messages", "stream", "max_tokens", "temperature", "top_p"}
    return (400, {"error": "Bad Request"}) if set(body) - known else None


SYSTEM: dict[str, Refusal] = {
    "vLLM": (400, {"object": "error", "message": JINJA, "type": "BadRequestError", "code": 400}),
    "SGLang": (400, {"object": "error", "message": f"Failed to apply chat template: {JINJA}", "param": None}),
    "TGI": (
        422,
        {"error": f"Template error: invalid operation: {JINJA} (in <string>:1)", "error_type": "template_error"},
    ),
    "llama-server": (500, _error(f"Jinja Exception: {JINJA}")),
    "LM Studio": (400, {"error": f'Error rendering prompt with jinja template: "{JINJA}".'}),
    "OpenAI o1": (
        400,
        _error(
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            param="messages[0].role",
            code="unsupported_value",
        ),
    ),
    "Gemini": (
        400,
        [{"error": {"code": 400, "message": "Developer instruction is not enabled for models/gemma-3-4b-it"}}],
    ),
    "FastAPI": (
        422,
        {"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "Input should be 'user' or 'assistant'"}]},
    ),
    "Mistral": (
        400,
        {"object": "error", "message": "Conversation roles must alternate user/assistant/user/assistant/..."},
    ),
    "LiteLLM": (400, _error("litellm.UnsupportedParamsError: this model does not support system messages", param=None)),
    "in a 200": (200, {"error": {"message": JINJA, "code": 400}}),
    "without a word": (400, {"error": "Bad Request"}),
}
PARAMETERS: dict[str, tuple[str, Refusal]] = {
    "OpenAI, top_k": ("top_k", (400, _error("Unrecognized request argument supplied: top_k"))),
    "OpenAI, stop": (
        "stop",
        (400, _error("Unsupported parameter: 'stop' is not supported with this model.", param="stop")),
    ),
    "OpenAI, max_tokens": (
        "max_tokens",
        (400, _error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", param="max_tokens")),
    ),
    "FastAPI, seed": ("seed", (422, _extra("seed"))),
    "FastAPI, reasoning_effort": ("reasoning_effort", (422, _extra("reasoning_effort"))),
    "SGLang, top_k": (
        "top_k",
        (400, {"object": "error", "message": "top_k must be -1 (disable), or at least 1, got 0."}),
    ),
    "a list": (
        "min_p",
        (
            400,
            {
                "message": "Unknown field min_p. Supported parameters are: model, messages, temperature, top_p, seed, stop"
            },
        ),
    ),
    "llama-server": (
        "repetition_penalty",
        (500, {"error": {"code": 500, "message": "Unsupported param: repetition_penalty"}}),
    ),
    "a text": ("chat_template_kwargs", (400, b'unknown field "chat_template_kwargs"')),
}
REFUSALS: dict[str, Callable[[Body], Refusal | None]] = {
    **{f"system: {name}": _refuses_system(*refusal) for name, refusal in SYSTEM.items()},
    **{f"parameter: {name}": _refuses(key, *refusal) for name, (key, refusal) in PARAMETERS.items()},
    "parameters without a word": _only_known,
    "text content": lambda body: (
        (422, {"detail": [{"loc": ["body", "messages", 0, "content"], "msg": "Input should be a valid list"}]})
        if isinstance(body["messages"][0]["content"], str)
        else None
    ),
    "temperature 0 (TGI)": lambda body: (
        (422, {"error": "Input validation error: `temperature` must be strictly positive", "error_type": "validation"})
        if body.get("temperature") == 0
        else None
    ),
}


@dataclass
class Answer:
    """What goes over the wire: the document, then its bytes, the type and headers; how the length is said, and whether
    the connection is closed without a word afterwards."""

    document: Any
    status: int = 200
    data: bytes = b""
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = 0
    hangs_up: bool = False
    chunked: bool = False

    def encode(self) -> None:
        """Make the bytes of the document, unless a quirk has."""
        self.data = self.data or (
            self.document
            if isinstance(self.document, bytes)
            else json.dumps(self.document, ensure_ascii=False).encode()
        )


def _choice(answer: Answer) -> dict[str, Any]:
    choice: dict[str, Any] = answer.document["choices"][0]
    return choice


def _message(answer: Answer, **changes: Any) -> None:
    message = _choice(answer)["message"]
    message.update(changes)


def _stream(answer: Answer, before: bytes = b"", kind: str = "text/event-stream", ended: bool = True) -> None:
    text = _choice(answer)["message"]["content"]
    pieces = [
        {"delta": {"role": "assistant", "content": ""}},
        *({"delta": {"content": word}} for word in text.split(" ")),
    ]
    for piece in pieces[2:]:
        piece["delta"]["content"] = " " + piece["delta"]["content"]
    last = [{"delta": {}, "finish_reason": "stop"}] if ended else []
    lines = [json.dumps({"choices": [piece]}) for piece in [*pieces, *last]]
    if ended:
        lines += [json.dumps({"choices": [], "usage": answer.document["usage"]}), "[DONE]"]
    answer.data = before + "".join(f"data: {line}\n\n" for line in lines).encode()
    answer.kind = kind


def _ollama_stream(answer: Answer) -> None:
    text = _choice(answer)["message"]["content"]
    lines = [{"message": {"role": "assistant", "content": char}, "done": False} for char in text]
    lines.append(
        {"message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": 5, "prompt_eval_count": 10}
    )
    answer.data = b"\n".join(json.dumps(line).encode() for line in lines)
    answer.kind = "application/x-ndjson"


def _packed(answer: Answer, pack: Callable[[bytes], bytes], coding: str) -> None:
    answer.encode()
    answer.data = pack(answer.data)
    answer.headers |= {"Content-Encoding": coding} if coding else {}


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


def _set(answer: Answer, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(answer, name, value)


def _with(answer: Answer, before: bytes = b"", after: bytes = b"") -> None:
    answer.encode()
    answer.data = before + answer.data + after


def _as_text(answer: Answer) -> None:
    choice = _choice(answer)
    choice["text"] = choice.pop("message")["content"]


def _as_ollama(answer: Answer) -> None:
    text = _choice(answer)["message"]["content"]
    answer.document = {"message": {"content": text}, "done": True, "done_reason": "stop", "eval_count": 5}


def _in_parts(answer: Answer) -> None:
    text = _choice(answer)["message"]["content"]
    _message(answer, content=[{"type": "text", "text": text[:3]}, {"type": "text", "text": text[3:]}])


def _thought_in_parts(answer: Answer) -> None:
    text = _choice(answer)["message"]["content"]
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Let me see."}]}
    _message(answer, content=[thought, {"type": "text", "text": text}])


def _length(answer: Answer, change: int, hangs_up: bool = False) -> None:
    answer.encode()
    answer.length, answer.hangs_up = len(answer.data) + change, hangs_up


ANSWERS: dict[str, Callable[[Answer], None]] = {
    "text/plain": lambda a: _set(a, kind="text/plain; charset=utf-8"),
    "no type": lambda a: _set(a, kind=""),
    "html type": lambda a: _set(a, kind="text/html"),
    "error null": lambda a: a.document.update(error=None),
    "error empty": lambda a: a.document.update(error={}, detail=None),
    "no usage": lambda a: a.document.pop("usage") and None,
    "usage null": lambda a: a.document.update(usage=None),
    "no finish": lambda a: _choice(a).pop("finish_reason") and None,
    "finish null": lambda a: _choice(a).update(finish_reason=None, stop_reason=None),
    "finish eos": lambda a: _choice(a).update(finish_reason="eos_token"),
    "logprobs": lambda a: _choice(a).update(
        logprobs={"content": [{"token": "a", "logprob": -0.1, "top_logprobs": []}]}
    ),
    "parts": _in_parts,
    "one part": lambda a: _message(a, content={"type": "text", "text": _choice(a)["message"]["content"]}),
    "thought in parts": _thought_in_parts,
    "thought apart": lambda a: _message(a, reasoning_content="Let me see."),
    "refusal null": lambda a: _message(a, refusal=None, tool_calls=None, annotations=[], audio=None),
    "plain completion": _as_text,
    "Ollama's own": _as_ollama,
    "array of one": lambda a: _set(a, document=[a.document]),
    "stream": _stream,
    "stream with comments": lambda a: _stream(a, b": OPENROUTER PROCESSING\n\n"),
    "stream called JSON": lambda a: _stream(a, kind="application/json"),
    "Ollama's stream": _ollama_stream,
    "comments before JSON": lambda a: _with(a, b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"),
    "white space": lambda a: _with(a, b"\n\n   ", b"\n\n"),
    "byte order mark": lambda a: _with(a, b"\xef\xbb\xbf"),
    "trailing data": lambda a: _with(a, b"", b'\n{"id": "stats", "ms": 12}\n'),
    "trailing text": lambda a: _with(a, b"", b"\ndone."),
    "gzip": lambda a: _packed(a, gzip.compress, "gzip"),
    "gzip unsaid": lambda a: _packed(a, gzip.compress, ""),
    "deflate": lambda a: _packed(a, zlib.compress, "deflate"),
    "deflate raw": lambda a: _packed(a, _raw_deflate, "deflate"),
    "length too short": lambda a: _length(a, -9),
    "length too long": lambda a: _length(a, 9, hangs_up=True),
    "length too long and open": lambda a: _length(a, 9),
    "no length": lambda a: _set(a, length=None, hangs_up=True),
    "no length and open": lambda a: _set(a, length=None),
    "stream cut off": lambda a: _stream(a, ended=False),
    "chunked": lambda a: _set(a, chunked=True),
    "hangs up": lambda a: _set(a, hangs_up=True),
}
LISTS: dict[str, tuple[int, Any]] = {
    "array": (200, [{"id": "tiny"}]),
    "array of names": (200, ["tiny", "other"]),
    "data of names": (200, {"data": ["tiny"]}),
    "Ollama's own": (200, {"models": [{"name": "tiny:latest", "model": "tiny:latest"}]}),
    "null": (200, {"object": "list", "data": None}),
    "empty": (200, {"object": "list", "data": []}),
    "no list": (200, {"status": "ok"}),
    "an empty body": (200, b""),
    "not there": (404, {"detail": "Not Found"}),
    "not allowed": (405, b""),
    "not for this key": (403, {"error": {"message": "Missing scopes: api.model.read"}}),
    "LM Studio": (200, {"error": "Unexpected endpoint or method. (GET /models). Returning 200 anyway"}),
}
