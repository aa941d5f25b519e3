"""What is known of servers with the chat-completions API before one is asked."""

from collections.abc import Iterable, Mapping
from typing import Any

from syncse_local.backends.consent import Leaving, leaving
from syncse_local.backends.openai.key import read_key
from syncse_local.backends.openai.options import NAME, OpenAIOptions
from syncse_local.backends.openai.servers import check_allowed, parse_server
from syncse_local.backends.spec import Abilities, BackendSpec
from syncse_local.isolation.rules import Needs


def would_leave(options: Mapping[str, Any], sentences: Iterable[str], calls: int, airgap: bool) -> Leaving | None:
    """What would leave this machine; None where every server is on it. Reads the sentences once, asks no server.

    Raises SyncseError: BLOCKED under the air-gap policy, USAGE for bad options and for a key that would travel in clear.
    """
    checked = OpenAIOptions.of(options)
    servers = [parse_server(url) for url in checked.base_urls]
    key = read_key(checked.api_key_file)
    check_allowed(servers, True, bool(key), guarded=airgap)
    remote = [server.url for server in servers if not server.local]
    return leaving(remote, sentences, calls, key.source) if remote else None


def _needs(options: Mapping[str, Any]) -> Needs:
    servers = [parse_server(url) for url in OpenAIOptions.of(options).base_urls]
    return Needs(servers=tuple((server.host, server.port) for server in servers))


SPEC = BackendSpec(
    name=NAME,
    summary="a server with the chat-completions API, or a pool of them",
    engine="syncse_local.backends.openai.engine:OpenAICompatBackend",
    options=OpenAIOptions,
    abilities=Abilities(notes="The seed is sent with every row; whether a server heeds it is the server's affair."),
    model="served",
    from_settings={
        "base_urls": "base_urls",
        "api_key_file": "api_key_file",
        "max_spend": "max_spend",
        "prices": "prices",
    },
    needs=_needs,
    leaving=would_leave,
)
