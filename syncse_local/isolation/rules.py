"""What a worker may have: sockets, files, servers. Plain data that crosses the process boundary. Knows no layer."""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from syncse_local.isolation.seccomp import Sockets


@dataclass(frozen=True, slots=True)
class Rules:
    """`read`, `write`, `run` are paths, each with all beneath it. `servers` are (host, port) that the watcher connects to.

    `network`: whether the machine's network stays, as for the processes of a launcher. `strict`: refuse to start where the
    kernel cannot shut the network. `targets` are what the self-test tries to reach outside, by kind.
    """

    sockets: Sockets = "none"
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    servers: tuple[tuple[str, int], ...] = ()
    network: bool = False
    strict: bool = False
    targets: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """As plain data, for the wire and the record."""
        return asdict(self)

    @classmethod
    def of(cls, data: dict[str, Any]) -> "Rules":
        """The inverse of `as_dict`."""
        lists = {name: tuple(data[name]) for name in ("read", "write", "run", "devices")}
        servers = tuple((str(host), int(port)) for host, port in data["servers"])
        return cls(**{**data, **lists, "servers": servers})


@dataclass(frozen=True, slots=True)
class Needs:
    """What an engine needs beside its model: sockets of its own, servers as (host, port), programs to run."""

    sockets: Sockets = "none"
    servers: tuple[tuple[str, int], ...] = ()
    run: tuple[str, ...] = ()


def whole(paths: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    """The paths that are there, links resolved, each once, none beneath another."""
    found: list[str] = []
    for path in sorted({os.path.realpath(path) for path in paths if os.path.exists(path)}):
        if not any(path == above or path.startswith(above.rstrip("/") + "/") for above in found):
            found.append(path)
    return tuple(found)
