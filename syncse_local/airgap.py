"""Offline switches for every library, and a socket guard that refuses and counts anything beyond loopback.

Knows addresses and callers; knows no library. The guard is Python's audit hook: it covers every socket that Python code
opens, and it cannot be taken off again. Native code that calls the system directly is outside it: hence the switches.
"""

import ipaddress
import os
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
GUARD = "SYNCSE_AIRGAP"
_refused: list[tuple[str, str]] = []
_installed = False
_tell: Callable[[str, str], None] | None = None


class AirgapRefusal(ConnectionRefusedError):
    """Raised in place of a connection that would leave this machine."""


def set_switches() -> None:
    """Set the offline switches of this process and its children; call before any library import."""
    os.environ.update(SWITCHES)


def environment(guarded: bool) -> dict[str, str]:
    """The environment for a child process: this one's, the switches, the guard's order; no module of the working directory.

    Files there come from anybody: a `secrets.py` in an unpacked archive would run, and a harmless one would break a run.
    """
    env = {**os.environ, **SWITCHES, "PYTHONSAFEPATH": "1"}
    own = [place for place in env.pop("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(place)]
    if sys.path[0] == (checkout := os.path.dirname(os.path.dirname(os.path.abspath(__file__)))):
        own.append(checkout)  # started there with -m and not installed: a child would not find this package
    if own:
        env["PYTHONPATH"] = os.pathsep.join(own)
    env[GUARD] = "1" if guarded or os.environ.get(GUARD) == "1" else "0"
    return env


def install_if_ordered() -> None:
    """Put the guard in place where the parent process asked for it."""
    if os.environ.get(GUARD) == "1":
        install()


def install(tell: Callable[[str, str], None] | None = None) -> None:
    """Refuse every connection, datagram and name look-up beyond loopback from now on, in this process and its children.

    `tell` is called with each refusal's module and address, as it is counted.
    """
    global _installed, _tell
    os.environ[GUARD] = "1"
    _tell = tell
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


def note(module: str, address: str) -> None:
    """Count a refusal that a child process reports."""
    _refused.append((module, address))


def refused() -> list[tuple[str, str]]:
    """(calling module, address) of every refusal so far in this process."""
    return list(_refused)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"):
        connection, address = args[0], args[1]
        if address is None or getattr(connection, "family", None) not in (socket.AF_INET, socket.AF_INET6):
            return
        host = str(address[0]) if isinstance(address, tuple) and address else str(address)
        if event == "socket.bind" and host in ("", "0.0.0.0", "::"):
            _refuse(host or "every interface")
    elif event == "socket.getaddrinfo":
        host = "" if args[0] is None else _text(args[0])
    elif event in ("socket.gethostbyname", "socket.gethostbyaddr"):
        host = _text(args[0])
    else:
        return
    if not is_local(host):
        _refuse(host)


def _text(host: object) -> str:
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)


def is_local(host: str) -> bool:
    """Whether the host is this machine's loopback (or empty: nobody else)."""
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(host: str) -> None:
    note(caller := _caller(sys._getframe(1)), host)
    if _tell:
        _tell(caller, host)
    raise AirgapRefusal(f"air-gap: refused a connection to {host}")


def _caller(frame: FrameType | None) -> str:
    """The nearest calling module outside this one and the standard library's network modules."""
    skip = {__name__, "socket", "ssl", "http.client", "urllib.request", "asyncio", "selectors"}
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module and module.split(".")[0] not in skip and module not in skip:
            return module
        frame = frame.f_back
    return "unknown"
