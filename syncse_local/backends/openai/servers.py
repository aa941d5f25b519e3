"""Base URLs: what they name, whether it is this machine, and the rules that decide whether it may be asked.

Knows addresses; opens no connection and looks up no name.
"""

import ipaddress
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from syncse_local import airgap
from syncse_local.errors import ExitCode, SyncseError

PRIVATE_NAMES = (".local", ".internal", ".lan", ".home.arpa")
ENDPOINT = "/chat/completions"


@dataclass(frozen=True, slots=True)
class Server:
    """One base URL, taken apart; `path` has no slash at its end."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def origin(self) -> str:
        """The URL without a path, written one way."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def url(self) -> str:
        """The base URL, written one way."""
        return self.origin + self.path

    def at(self, endpoint: str) -> str:
        """The path of an endpoint as it is asked for."""
        return f"{self.path}{endpoint}{self.query}"

    def siblings(self) -> list["Server"]:
        """Where else on this server the API may be: with /v1 and without, and beside another API of the server's."""
        bare = self.path.removesuffix("/v1").removesuffix("/api")
        paths = dict.fromkeys((f"{self.path.removesuffix('/v1')}/v1", f"{bare}/v1", bare))
        return [replace(self, path=path) for path in paths if path != self.path]

    @property
    def local(self) -> bool:
        """Whether it is this machine's loopback."""
        return airgap.is_local(self.host)

    @property
    def private(self) -> bool:
        """Whether it is on this machine or by its address or name inside a private network."""
        try:
            return self.local or ipaddress.ip_address(self.host).is_private
        except ValueError:
            return "." not in self.host or self.host.endswith(PRIVATE_NAMES)


def parse_server(text: str) -> Server:
    """A base URL; no path means /v1. Raises SyncseError (USAGE); secrets in the URL are refused and not repeated."""
    try:
        parts = urlsplit(text.strip())
        scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    except ValueError as error:
        raise _bad("it is no URL") from error
    if "@" in parts.netloc:
        raise _bad("it holds a user name or password, which would be stored")
    if parts.fragment or not re.fullmatch(r"(api-version=[0-9a-z-]+)?", parts.query):
        raise _bad("it has a query or a fragment")
    if scheme not in ("http", "https"):
        raise _bad("it does not begin with http:// or https://")
    if not re.fullmatch(r"[a-z0-9._:%-]+", host) or not re.fullmatch(r"[\w./~-]*", parts.path, re.ASCII):
        raise _bad("its host or path is not plain ASCII")
    path = re.sub(r"(/chat/completions|/completions|/models|/)+$", "", parts.path)
    query = f"?{parts.query}" if parts.query else ""
    standard = 443 if scheme == "https" else 80
    return Server("https" if scheme == "https" else "http", _reached(host), port or standard, path or "/v1", query)


def _reached(host: str) -> str:
    """The address at which a client reaches what servers print: one that listens everywhere listens on the loopback too."""
    try:
        address = ipaddress.ip_address("0.0.0.0" if host == "0" else host.partition("%")[0])
    except ValueError:
        return "localhost" if host in ("localhost.", "localhost.localdomain", "ip6-localhost") else host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped) if mapped else host


def check_allowed(servers: Sequence[Server], allow_remote: bool, key: bool, guarded: bool | None = None) -> None:
    """Refuse servers that may not be asked; `key` says that a key would be sent with every request.

    Raises SyncseError: BLOCKED under the air-gap policy, USAGE without consent or with a key in clear.
    """
    remote = [server for server in servers if not server.local]
    if not remote:
        return
    named = ", ".join(server.url for server in remote)
    if os.environ.get(airgap.GUARD) == "1" if guarded is None else guarded:
        raise SyncseError(
            "Blocked by the air-gap policy",
            f"{named} is not on this machine.",
            "Use a server on 127.0.0.1, or run without --airgap if this machine may reach the network.",
            ExitCode.BLOCKED,
        )
    if not allow_remote:
        raise SyncseError(
            "This would leave the machine",
            f"{named} is not on this machine.",
            "Add --allow-remote if rows may be sent there.",
            ExitCode.USAGE,
        )
    for server in remote:
        if key and server.scheme == "http" and not server.private:
            raise SyncseError(
                "The key would travel in clear",
                f"{server.url} is not encrypted and not in a private network.",
                "Use https://, or unset the key if the server needs none.",
                ExitCode.USAGE,
            )


def _bad(why: str) -> SyncseError:
    hint = "Write it like http://127.0.0.1:8000/v1; a key goes into SYNCSE_API_KEY."
    return SyncseError("A base URL cannot be used", f"--base-url: {why}.", hint, ExitCode.USAGE)
