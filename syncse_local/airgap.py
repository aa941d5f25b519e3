"""Offline switches for every library, and a socket guard that refuses and counts anything beyond loopback.

Knows addresses and callers; knows no library. The guard is Python's audit hook, which cannot be taken off again, and checks
in front of the socket methods that look a name up before the hook hears of them. Native code that calls the system directly
is outside it: hence the switches, and `isolation`.
"""

import _socket
import functools
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
FAMILIES = (-1, socket.AF_INET, socket.AF_INET6, getattr(socket, "AF_UNIX", socket.AF_INET))
"""Sockets that may be made, -1 for one that is there already. The others reach the network card, the kernel or a host."""
KIND = 0xF
"""The part of a socket's type that is its kind, where systems keep flags beside it."""
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
        os.environ.pop("HOSTALIASES", None)  # by it any name stands for another, `localhost` too
        for name in ("connect", "connect_ex", "bind", "sendto", "sendmsg", "listen"):
            _check_first(name)
        sys.addaudithook(_hook)


def note(module: str, address: str) -> None:
    """Count a refusal that a child process reports."""
    _refused.append((module, address))


def refused() -> list[tuple[str, str]]:
    """(calling module, address) of every refusal so far in this process."""
    return list(_refused)


def _check_first(name: str) -> None:
    """Let a method of `socket.socket` look at the address before the system can look its name up."""
    theirs = getattr(socket.socket, name)
    if name == "listen":

        @functools.wraps(theirs)
        def method(connection: socket.socket, *given: Any) -> Any:
            if connection.family in (socket.AF_INET, socket.AF_INET6):
                _check_bound(str(connection.getsockname()[0]))
            return theirs(connection, *given)

    else:

        @functools.wraps(theirs)
        def method(connection: socket.socket, *given: Any) -> Any:
            address = given[3] if name == "sendmsg" and len(given) > 3 else given[-1] if name != "sendmsg" else None
            _check_address(connection, address, binds=name == "bind")
            return theirs(connection, *given)

    setattr(socket.socket, name, method)


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event == "socket.__new__":
        _check_made(*args)
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"):
        _check_address(args[0], args[1], binds=event == "socket.bind")
    elif event == "socket.getaddrinfo":
        _check_host("" if args[0] is None else args[0])
    elif event in ("socket.gethostbyname", "socket.gethostbyaddr"):
        _check_host(args[0])
    elif event == "socket.getnameinfo":
        _check_host(tuple.__getitem__(args[0], 0))


def _check_made(made: object, family: int, kind: int, protocol: int) -> None:
    """Sockets by which programs reach round addresses: other families, raw ones, those without our checks."""
    if family not in FAMILIES:
        _refuse(f"address family {int(family)}")
    if kind & KIND == socket.SOCK_RAW and family != -1:
        _refuse("a raw socket")
    if type(made) is _socket.socket and family in (socket.AF_INET, socket.AF_INET6):
        _refuse("a socket without checks")


def _check_address(connection: Any, address: object, binds: bool) -> None:
    if getattr(connection, "family", None) not in (socket.AF_INET, socket.AF_INET6) or not isinstance(address, tuple):
        return
    host = _text(tuple.__getitem__(address, 0)) if len(address) else ""
    if binds:
        _check_bound(host)
    _check_host(host)


def _check_bound(host: str) -> None:
    if host in ("", "0.0.0.0", "::"):
        _refuse(host or "every interface")


def _check_host(host: object) -> None:
    if not is_local(text := _text(host)):
        _refuse(text)


def _text(host: object) -> str:
    """What the system will read, whatever a subclass makes of itself."""
    if isinstance(host, bytes | bytearray):
        return bytes(host).decode("ascii", "replace")
    return str.__str__(host) if isinstance(host, str) else str(host)


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
