"""The body of an answer: read to its end whatever its length says, and understood as JSON whatever its type says.

Servers compress unasked, stream unasked, count characters as bytes, add lines. What has arrived whole is an answer.
"""

import http.client
import json
import socket
import zlib
from typing import Any

LARGEST = 16 << 20
"""Bytes of an answer that are read at most, and that a compressed one may hold: a thousand times a long answer."""
CHUNK = 1 << 16
"""Bytes asked of the connection at a time."""
SETTLE_SECONDS = 0.3
"""How long more is waited for after an answer that is whole before its stated length, or not whole at it."""
Buffer = bytes | bytearray


def receive(answer: http.client.HTTPResponse, sock: socket.socket, patience: float | None) -> tuple[bytes, bool]:
    """The body, and whether the connection can be used again. Raises HTTPException and OSError for one that is cut off.

    `patience`: the socket's time-out in seconds, which holds again afterwards.
    """
    stated, got, problem = answer.length, bytearray(), None
    answer.length = None  # else the library stops at the stated length, and cannot be told to go on
    if (stated or 0) > LARGEST:
        raise http.client.HTTPException(f"an answer of {stated} bytes")
    settling = False
    try:
        while stated is None or len(got) < stated or _cut(got):
            settling = whole(got) or (stated is not None and len(got) >= stated)
            sock.settimeout(SETTLE_SECONDS if settling else patience)
            chunk = answer.read1(CHUNK)
            if not chunk:
                break
            got += chunk
            if len(got) > LARGEST:
                raise http.client.HTTPException(f"an answer of more than {LARGEST} bytes")
    except (OSError, http.client.IncompleteRead) as error:
        problem = error
    exact = problem is None and (len(got) == stated if stated is not None else answer.isclosed())
    if not exact and not settling and not whole(got) and (problem or len(got) < (stated or 0)):
        raise problem or http.client.IncompleteRead(bytes(got), (stated or 0) - len(got))
    answer.close()
    if exact and not answer.will_close:
        sock.settimeout(patience)
    return bytes(got), exact


def whole(body: Buffer) -> bool:
    """Whether bytes are one JSON document and nothing else; looked at only where they end like one."""
    if body[-64:].rstrip()[-1:] not in (b"}", b"]"):
        return False
    try:
        json.loads(bytes(body))
    except (ValueError, RecursionError):
        return False
    return True


def _cut(body: Buffer) -> bool:
    """Whether bytes begin a JSON document and do not end it."""
    return body[:64].lstrip()[:1] in (b"{", b"[") and _first(body.decode("utf-8", "replace").lstrip()) is None


def unpacked(body: bytes, coding: str) -> bytes:
    """The body without its compression, which its first bytes tell where no header does; as it is where that fails."""
    if coding.endswith(("gzip", "deflate")) or body[:2] == b"\x1f\x8b":
        for bits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):  # gzip or zlib by its header, then deflate without one
            try:
                return zlib.decompressobj(bits).decompress(body, LARGEST)
            except zlib.error:
                continue
    return body


def parsed(body: bytes) -> Any:
    """The JSON document in a body, a stream of events put together; None where there is none. Never raises."""
    wide = body[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = body.decode("utf-16" if wide else "utf-8-sig", "replace").strip()
    if text.startswith(("data:", "event:", "id:", "retry:", ":")):
        lines = [line.strip() for line in text.splitlines()]
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith(("data:", "{", "["))]
        found = [value for line in data if (value := _first(line)) is not None]
        return joined(found, "[DONE]" in data) if len(found) != 1 or _is_piece(found[0]) else found[0]
    first = _first(text)
    if first is None or not _is_piece(first):
        return first
    return joined([value for line in text.splitlines() if (value := _first(line.strip())) is not None], False)


def _first(text: str) -> Any:
    """The JSON value that a text begins with, whatever follows it."""
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None


def _is_piece(value: Any) -> bool:
    """Whether a value is one piece of a streamed answer."""
    choice = _choice(value)
    return isinstance(choice.get("delta"), dict) or (isinstance(value, dict) and value.get("done") is False)


def _choice(value: Any) -> dict[str, Any]:
    choices = value.get("choices") if isinstance(value, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def joined(pieces: list[Any], ended: bool) -> Any:
    """A streamed answer as if it had come in one piece; None for one that breaks off, an error in it as it is.

    Knows the pieces of the chat-completions API (`delta`) and of Ollama's own (`message`, `done`).
    """
    texts: dict[str, list[str]] = {"content": [], "reasoning_content": [], "reasoning": []}
    finish, usage = None, None
    for piece in pieces:
        if not isinstance(piece, dict):
            continue
        if piece.get("error"):
            return piece
        choice = _choice(piece)
        message = choice.get("delta") or choice.get("message") or piece.get("message")
        for name, found in texts.items():
            if isinstance(message, dict) and isinstance(message.get(name), str):
                found.append(message[name])
        finish = choice.get("finish_reason") or piece.get("done_reason") or finish
        usage = piece.get("usage") or usage
        ended = ended or bool(finish) or piece.get("done") is True
    if not ended:
        return None
    said = {name: "".join(found) for name, found in texts.items() if found}
    return {"choices": [{"message": said, "finish_reason": finish}], "usage": usage}
