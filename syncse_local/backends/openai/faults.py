"""What an HTTP answer that is no completion means: whose fault it is, and whether to ask again.

Knows the error bodies of OpenAI, vLLM, llama.cpp, Ollama, LM Studio, TGI and FastAPI; decides nothing about rows. What a
server says counts before its status: servers send a model's complaint as 400, 422, 500 or even 200.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Any, Literal

from syncse_local.backends.openai.backoff import retry_after
from syncse_local.backends.openai.body import parsed, unpacked
from syncse_local.backends.openai.client import Reply

Kind = Literal[
    "again", "unreachable", "late", "crowded", "failed", "rejected", "refused", "denied", "missing", "broke", "moved"
]
SAID_CHARS = 300
"""Characters of a server's words that are kept: its first sentence or two."""
CONTEXT = re.compile(
    r"context[ _-]?(length|window|size)|context_exceeded|maximum context|prompt is too long|input is too long"
    r"|too many (input )?tokens|inputs?`? tokens|max_model_len|maximum (model length|number of tokens)|input token count",
    re.I,
)
FILTERED = re.compile(r"content[ _-]?(filter|policy|management)|moderation|flagged|safety system", re.I)
NO_MODEL = re.compile(
    r"model[ _-]?not[ _-]?found|model\b.{0,200}\b(does not exist|not found)|no models? (is |are )?loaded", re.I
)
NO_MONEY = re.compile(r"insufficient[ _-]?(quota|balance|credit|funds)|billing[ _-]?hard[ _-]?limit", re.I)
BUSY = re.compile(
    r"\bloading model|model\b.{0,80}\bloading|warming up|overloaded|server busy|too many requests|rate.?limit", re.I
)
TITLE = re.compile(r"<(?:title|h1)[^>]*>([^<]{1,120})", re.I)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row has no answer yet.

    `again`: it can be sent at once in another form. `unreachable`: no connection, the row was never sent. `late`: no answer
    in time. `crowded`: the server asks for less or for later. `failed`: the attempt went wrong, another may not. `rejected`:
    the request as such is refused. `refused`: this row's text is. `denied`: the key is. `missing`: no such model or path.
    `broke`: no credit. `moved`: another server is to be asked. `named` says the sort in a word or two, for people. `wait` is
    the server's Retry-After in seconds; `billed` says that the server may have done the work; `param` is the parameter that
    a rejection names.
    """

    kind: Kind
    said: str
    wait: float | None = None
    billed: bool = False
    param: str = ""
    named: str = ""


def fault_of(reply: Reply) -> Fault:
    """The fault that a reply with an error stands for."""
    said, code, param = _described(reply)
    kind = _kind(reply.status, f"{code} {said}")
    if kind == "refused" and not (CONTEXT.search(said) or FILTERED.search(f"{code} {said}")):
        said = f"the prompt does not fit the context: {said}"
    wait = retry_after(reply.retry_after, time.time())
    return Fault(kind, f"HTTP {reply.status}: {said}", wait, param=param, named=f"HTTP {reply.status}")


def _kind(status: int, about: str) -> Kind:
    if 300 <= status < 400:
        return "moved"
    if status == 402 or NO_MONEY.search(about):
        return "broke"
    if CONTEXT.search(about) or status == 413:
        return "refused"
    if status in (400, 403, 451) and FILTERED.search(about):
        return "refused"
    if status in (401, 403):
        return "denied"
    if status in (404, 405, 410, 501) or (status < 500 and NO_MODEL.search(about)):
        return "missing"
    if status in (429, 503, 529) or (status >= 500 and BUSY.search(about)):
        return "crowded"
    passing = status in (408, 409, 425) or status >= 500 or status < 400
    return "failed" if passing else "rejected"


def document(reply: Reply) -> Any:
    """The reply's JSON document, None where there is none. The body decides, not what its header calls it."""
    return parsed(unpacked(reply.body, reply.coding))


def _described(reply: Reply) -> tuple[str, str, str]:
    """(message, code, parameter) of an error body of whatever shape."""
    if 300 <= reply.status < 400:
        return f"it redirects to {plain(reply.location) or 'another address'}, which is not followed", "", ""
    found = document(reply)
    found = found[0] if isinstance(found, list) and found else found
    if not isinstance(found, dict):
        return unlike_json(reply), "", ""
    error = next((found[name] for name in ("error", "errors", "detail") if found.get(name)), found)
    error = _validation(error) or (error[0] if isinstance(error, list) and error else error)
    if not isinstance(error, dict):
        return plain(error if isinstance(error, str) else json.dumps(error)), str(found.get("error_type") or ""), ""
    said = next((error[name] for name in ("message", "detail", "error", "msg", "title") if error.get(name)), "")
    said = said if isinstance(said, str) and said else json.dumps(said or error)
    return plain(said), f"{error.get('code', '')} {error.get('type', '')}", str(error.get("param") or "")


def _validation(detail: Any) -> dict[str, str]:
    """FastAPI's list of what is wrong where, as one message about its first parameter; empty where it is none."""
    places = [item for item in detail if isinstance(item, dict) and item.get("loc")] if isinstance(detail, list) else []
    paths = [[str(step) for step in item["loc"] if step != "body"] for item in places if isinstance(item["loc"], list)]
    if not paths or len(paths) < len(places):
        return {}
    said = (f"{'.'.join(path)}: {item.get('msg', '')}" for path, item in zip(paths, places, strict=True))
    return {"message": "; ".join(said), "param": paths[0][0] if paths[0] else ""}


def unlike_json(reply: Reply) -> str:
    """What was answered in place of JSON, with the title of a page and without its content."""
    body = unpacked(reply.body, reply.coding)
    if not body.strip():
        return "the answer is empty"
    if body.lstrip()[:1] == b"<" or reply.content_type == "text/html":
        title = TITLE.search(body[:4096].decode("utf-8", "replace"))
        return "the answer is an HTML page" + (f', "{plain(title[1])}"' if title else "")
    if reply.coding and body == reply.body:
        return f"the answer is compressed ({plain(reply.coding)})"
    words = plain(body[: 4 * SAID_CHARS].decode("utf-8", "ignore"))
    return words if reply.status >= 400 and words else "the answer is not valid JSON"


def plain(text: str) -> str:
    """A server's text as one short line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * SAID_CHARS]).split())[:SAID_CHARS]
