"""Servers with the chat-completions API: ChatGPT, vLLM, llama-server, Ollama and the like, one or a pool of several.

Off unless a run names it. Knows how the pieces fit; addresses, keys, money, faults and format have modules of their own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from syncse_local.backends.openai.backoff import Backoff
from syncse_local.backends.openai.key import read_key
from syncse_local.backends.openai.options import NAME, OpenAIOptions
from syncse_local.backends.openai.pool import ServerPool
from syncse_local.backends.openai.preflight import identity, survey
from syncse_local.backends.openai.servers import check_allowed, parse_server
from syncse_local.backends.openai.spend import Spend, price_of
from syncse_local.backends.openai.tasks import PendingRow
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.modelfiles.entry import ModelInfo
from syncse_local.records import Completion, Context, InFlight, Message, Row

VERSION = "chat-completions-1"
"""Of what rows become on the wire: part of every request's key."""


class OpenAICompatBackend:
    """One model behind one or several base URLs; implements `Backend`.

    `model` is the name that the servers know. `options` are the fields of OpenAIOptions. Raises SyncseError: USAGE for
    a bad option or a remote server without consent, BLOCKED under the air-gap policy, PREFLIGHT when no server can be
    used, the key is refused or the model is not there.
    """

    name = NAME

    def __init__(self, model: Path | str, sha256: str = "", **options: Any) -> None:
        name = str(model)
        self.options = OpenAIOptions.of(options)
        self.version = VERSION + self.options.asked
        key = read_key(self.options.api_key_file)
        servers = [parse_server(url) for url in self.options.base_urls]
        check_allowed(servers, self.options.allow_remote, bool(key))
        found = survey(servers, name, key, Backoff(self.options.backoff_s))
        self._found = found
        ceiling = self.options.max_spend
        self._spend = Spend(price_of(self.options.prices, name, ceiling), ceiling)
        self._pool = ServerPool(found.servers, key, self.options, found.served, self._spend)
        self._busy = self._closed = False
        self.info = ModelInfo(
            path=Path(name), name=found.served, architecture="", parameters=0, quantisation="",
            context_length=found.context, chat_template=None, licence="", bytes=0, sha256=identity(name, found.served),
        )  # fmt: skip

    def generate(self, contexts: Iterable[Context], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """See `Backend.generate`. One at a time: a second one while the first runs raises RuntimeError."""
        if self._closed:
            raise RuntimeError("the backend is closed")
        if self._busy:
            raise RuntimeError("the backend is generating already")
        self._busy = True
        try:
            yield from self._pool.run((_task(c.prefix, row) for c in contexts for row in c.rows), cancelled)
        finally:
            self._busy = False

    def in_flight(self) -> InFlight:
        """See `Watched.in_flight`: the requests at the servers, which tell no tokens before an answer."""
        return InFlight(sum(host.health.in_flight for host in self._pool.hosts))

    def settings(self) -> dict[str, object]:
        """What was chosen and learnt, for the run record; no key, and no address that holds one."""
        return {
            "base_urls": [server.url for server in self._found.servers],
            "served_model": self._found.served,
            "context": self._found.context,
            "concurrency": self.options.concurrency,
            "shared_prefix": False,
            "spent": round(self._spend.spent, 6),
            "warnings": [*self._found.warnings, *self._pool.warnings],
        }

    def close(self) -> None:
        """Forget the servers; a second call does nothing. Connections end with each `generate`."""
        self._closed = True


def _task(prefix: Sequence[Message], row: Row) -> PendingRow:
    if row.sampling.grammar:
        raise SyncseError(
            "A grammar cannot be sent",
            "Servers have no common field for a grammar, and most ignore one that they do not know.",
            "Use the llamacpp or vllm backend, or take `grammar` out of the recipe.",
            ExitCode.USAGE,
        )
    return PendingRow(prefix, row)
