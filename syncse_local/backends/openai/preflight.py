"""Looks at the servers of a pool before a run: do they answer, take the key, and serve the same model?

Asks for the list of models only: costs nothing and sends no row.
"""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from syncse_local.backends.openai.backoff import Backoff
from syncse_local.backends.openai.client import Client, Trouble
from syncse_local.backends.openai.faults import Fault, document, fault_of, plain, unlike_json
from syncse_local.backends.openai.key import Key
from syncse_local.backends.openai.servers import Server
from syncse_local.errors import ExitCode, SyncseError

ATTEMPTS = 3
"""A server that is just starting answers the second or third look; one that is off costs a minute at most."""
LOOK_SECONDS = 10.0
"""For the list of models, which no server computes."""
SHOWN = 12
"""Names of models in an error: as many as are read before one looks at the server itself."""


@dataclass(slots=True)
class PoolSurvey:
    """The servers that answered, what they call the model, and the smallest context they state (tokens, 0 unknown)."""

    servers: list[Server] = field(default_factory=list)
    served: str = ""
    context: int = 0
    warnings: list[str] = field(default_factory=list)


def survey(
    servers: Sequence[Server], model: str, key: Key, backoff: Backoff, sleep: Callable[[float], None] = time.sleep
) -> PoolSurvey:
    """Look at every server; one that does not answer is left out of the run, with a warning.

    Raises SyncseError (PREFLIGHT) when none can be used, a key is refused, or they serve different models.
    """
    made, names = PoolSurvey(), {}
    for server in servers:
        found = _look(server, key, backoff, sleep)
        if isinstance(found, Fault):
            if found.kind == "denied":
                raise denied(server, found, key)
            if found.kind == "moved":
                raise moved(server, found)
            made.warnings.append(f"{server.url} is left out of this run: {key.hide(found.said)}")
            continue
        place, listed = found
        names[server.url], warning = _match(model, listed, server)
        made.servers.append(place)
        made.warnings += [warning] if warning else []
        stated = [size for entry in listed or [] if entry["id"] == names[server.url] and (size := _context(entry))]
        made.context = min([*stated, made.context or max(stated, default=0)])
    if not made.servers:
        hint = "Start the server, and check the URL and its path (often /v1)."
        raise SyncseError("No server can be used", " ".join(made.warnings), hint, ExitCode.PREFLIGHT)
    if len(set(names.values())) > 1:
        served = "; ".join(f"{url}: {plain(name)}" for url, name in names.items())
        hint = "Give servers of one model, or run them one after the other."
        raise SyncseError("The servers serve different models", f"{served}.", hint, ExitCode.PREFLIGHT)
    made.served = next(iter(names.values()))
    return made


def identity(model: str, served: str) -> str:
    """64 hex digits that stand where a model file's hash stands: same name and same served model, same rows.

    Addresses are no part of it: rows stay answered when a server moves.
    """
    named = {"kind": "openai_compat", "model": model, "served": served}
    return hashlib.sha256(json.dumps(named, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def denied(server: Server, fault: Fault, key: Key) -> SyncseError:
    """The error for a key that a server will not have."""
    sent = f"the key of {key.source}" if key else "a request without a key"
    said = key.hide(fault.said)
    hint = "Put the right key into SYNCSE_API_KEY, or name a file with api_key_file; then start or resume the run."
    return SyncseError("The key was refused", f"{server.url} refused {sent} ({said}).", hint, ExitCode.PREFLIGHT)


def missing(server: Server, model: str, fault: Fault, key: Key) -> SyncseError:
    """The error for a model or a path that is not there; asks once more for the models that are."""
    found = _look(server, key, Backoff(0), lambda _: None)
    listed = None if isinstance(found, Fault) else found[1]
    known = _named([str(entry["id"]) for entry in listed]) if listed else "nothing that can be read"
    said = key.hide(fault.said)
    detail = f'{server.url} has no model "{plain(model)}" or no such path ({said}). It lists: {known}.'
    return SyncseError("The model is not there", detail, "Give --model one of these.", ExitCode.PREFLIGHT)


def moved(server: Server, fault: Fault) -> SyncseError:
    """The error for a server that sends its requests to another one."""
    hint = "Give that address with --base-url, if you know it."
    return SyncseError("The server is elsewhere", f"{server.url}: {fault.said}.", hint, ExitCode.PREFLIGHT)


def _look(
    server: Server, key: Key, backoff: Backoff, sleep: Callable[[float], None]
) -> tuple[Server, list[dict[str, Any]] | None] | Fault:
    """Where on a server the list of models is, and the list; None, and the place as given, where it has no such list."""
    client, found = Client(server, key, LOOK_SECONDS), Fault("unreachable", "")
    try:
        for attempt in range(1, ATTEMPTS + 1):
            for place in (server, *server.siblings()):
                listed = _models(client, place)
                if isinstance(listed, list):
                    return place, listed
                if place is server:
                    first = listed
                if listed is not None and listed.kind not in ("missing", "failed"):
                    break
            if first is None or first.kind == "missing":
                return server, None
            found = first
            if found.kind not in ("unreachable", "crowded", "failed"):
                return found
            if attempt < ATTEMPTS:
                sleep(min(LOOK_SECONDS, found.wait or backoff.pause(attempt)))
        return found
    finally:
        client.close()


def _models(client: Client, place: Server) -> list[dict[str, Any]] | Fault | None:
    """The models that a place lists; None where it answers and has no list."""
    try:
        reply = client.get(place.at("/models"))
    except Trouble as trouble:
        return Fault("unreachable", f"{trouble.said}.")
    found = document(reply)
    if reply.status != 200:
        fault = fault_of(reply)
        # A key may be good for answers and not for the list; who refuses the list itself has none.
        return None if fault.kind == "rejected" or reply.status == 403 else fault
    if found is None and not reply.body.strip():
        return None
    if found is None:
        return Fault("failed", f"{unlike_json(reply)}.")
    if isinstance(found, dict):
        found = next((found[name] for name in ("data", "models") if isinstance(found.get(name), list)), None)
    return None if not isinstance(found, list) else [entry for item in found if (entry := _entry(item))]


def _entry(item: object) -> dict[str, Any]:
    """A model of a list: its record, or its name alone."""
    if isinstance(item, str):
        return {"id": item}
    if not isinstance(item, dict):
        return {}
    name = next((item[key] for key in ("id", "name", "model") if isinstance(item.get(key), str)), "")
    return {**item, "id": name} if name else {}


def _match(model: str, listed: list[dict[str, Any]] | None, server: Server) -> tuple[str, str]:
    """(what the server calls the model, a warning). Raises SyncseError (PREFLIGHT) where it has others only."""
    if not listed:
        return model, f"{server.url} lists no models: whether it serves this one is not known."
    names = [str(entry["id"]) for entry in listed]
    for name in (model, f"{model}:latest"):
        if name in names:
            return name, ""
    ending = [name for name in names if name.endswith(f"/{model}")]
    if len(ending) == 1:
        return ending[0], ""
    if len(names) == 1:
        return names[0], f'{server.url} lists "{plain(names[0])}" and not "{plain(model)}": it may ignore names.'
    detail = f'{server.url} does not list "{plain(model)}". It lists: {_named(names)}.'
    raise SyncseError("The model is not there", detail, "Give --model one of these.", ExitCode.PREFLIGHT)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(plain(name)[:80] for name in names[:SHOWN]) + more


def _context(entry: dict[str, Any]) -> int:
    meta = entry.get("meta")
    sizes = [
        entry.get("max_model_len"),
        entry.get("context_length"),
        (meta if isinstance(meta, dict) else {}).get("n_ctx"),
    ]
    return next((size for size in sizes if isinstance(size, int) and size > 0), 0)
