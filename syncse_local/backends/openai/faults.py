"""What an HTTP answer that is no completion means: whose fault it is, and whether to ask again.

Knows the error bodies of OpenAI, vLLM, llama.cpp and FastAPI; decides nothing about rows.
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Any, Literal

from syncse_local.backends.openai.backoff import retry_after
from syncse_local.backends.openai.client import Reply
from syncse_local.text.display import safe

Kind = Literal["unreachable", "crowded", "failed", "rejected", "refused", "denied", "missing", "broke"]
SAID_CHARS = 300
"""Characters kept of what a server says: a sentence or two. Servers send whole stack traces."""
CONTEXT = re.compile(
    r"context[ _-]?(length|window|size)|context_exceeded|maximum context|prompt is too long|too many (input )?tokens",
    re.I,
)
FILTERED = re.compile(r"content[ _-]?(filter|policy|management)|moderation|flagged|safety system", re.I)
NO_MODEL = re.compile(r"model[ _-]?not[ _-]?found|model\b.{0,200}\bdoes not exist", re.I)
NO_MONEY = re.compile(r"insufficient[ _-]?(quota|balance|credit|funds)|billing[ _-]?hard[ _-]?limit", re.I)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row has no answer yet.

    `unreachable`: no connection, the row was never sent. `crowded`: the server asks for less or for later. `failed`:
    the attempt went wrong, another may not. `rejected`: the request as such is refused. `refused`: this row's text is.
    `denied`: the key is. `missing`: no such model or path. `broke`: no credit. `wait` is the server's Retry-After in
    seconds; `billed` says that the server may have done the work; `param` is the parameter that a rejection names, and
    `named` says in a word or two what sort of fault it was.
    """

    kind: Kind
    said: str
    wait: float | None = None
    billed: bool = False
    param: str = ""
    named: str = ""


def fault_of(reply: Reply) -> Fault:
    """The fault that a reply with an error stands for; see `error_in` for errors inside a 200."""
    said, code, param = _described(reply)
    wait = retry_after(reply.retry_after, time.time())
    about = f"{code} {said}"
    kind: Kind
    if reply.status == 402 or NO_MONEY.search(about):
        kind = "broke"
    elif CONTEXT.search(about) or reply.status == 413:
        kind = "refused"
        said = said if CONTEXT.search(said) else f"the prompt does not fit the context: {said}"
    elif reply.status in (400, 403, 451) and FILTERED.search(about):
        kind = "refused"
    elif reply.status in (401, 403):
        kind = "denied"
    elif reply.status == 404 or (reply.status == 400 and NO_MODEL.search(about)):
        kind = "missing"
    elif reply.status in (429, 503, 529):
        kind = "crowded"
    elif reply.status in (408, 409, 425) or reply.status >= 500 or reply.status < 400:
        kind = "failed"
    else:
        kind = "rejected"
    return Fault(kind, f"HTTP {reply.status}: {said}", wait, param=param, named=f"HTTP {reply.status}")


def document(reply: Reply) -> dict[str, Any] | None:
    """The reply's JSON object, None where it is something else or says that it is."""
    if not reply.content_type.endswith("json"):
        return None
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _described(reply: Reply) -> tuple[str, str, str]:
    """(message, code, parameter) of an error body of whatever shape."""
    if 300 <= reply.status < 400:
        return "it redirects to another address, and redirects are not followed", "", ""
    found = document(reply)
    if found is None:
        return unlike_json(reply), "", ""
    error = found.get("error", found.get("detail", found))
    if not isinstance(error, dict):
        return plain(error if isinstance(error, str) else json.dumps(error)), "", ""
    said = error.get("message", error.get("detail", "")) or json.dumps(error)
    code = f"{error.get('code', '')} {error.get('type', '')}"
    return plain(str(said)), code, str(error.get("param") or "")


def unlike_json(reply: Reply) -> str:
    """What was answered in place of JSON, without its content."""
    kind = reply.content_type or "an unnamed type"
    if kind.endswith("json"):
        return "the answer is not valid JSON" if reply.body else "the answer is empty"
    page = reply.body[:200].lstrip()[:1] == b"<"
    return "the answer is an HTML page" if page or kind == "text/html" else f"the answer is {plain(kind)}, not JSON"


def plain(text: str) -> str:
    """A server's text as one short line, safe to show."""
    return safe(" ".join(text[: 4 * SAID_CHARS].split()), SAID_CHARS)
