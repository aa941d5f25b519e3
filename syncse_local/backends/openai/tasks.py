"""A row on its way to an answer, and a server of the pool with what was learnt of it. Records; they decide nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from syncse_local.backends.openai.dialect import ServerDialect, Speaker
from syncse_local.backends.openai.faults import Fault
from syncse_local.backends.openai.health import Health
from syncse_local.backends.openai.options import OpenAIOptions
from syncse_local.backends.openai.servers import Server
from syncse_local.records import Completion, Message, Row


@dataclass(slots=True)
class PendingRow:
    """One row on its way: `first` is when it was first sent, `faults` how often that went wrong.

    `unlimited`: what the context holds is less than the tokens asked for, so that the context alone ends the answer.
    """

    prefix: Sequence[Message]
    row: Row
    first: float = 0.0
    faults: int = 0
    unlimited: bool = False


class Host:
    """One server: what was learnt of it, what it can take, where on it the API may be, on how many rows forms were tried."""

    def __init__(self, server: Server, options: OpenAIOptions) -> None:
        self.server = server
        self.places = [server, *server.siblings()]
        self.speaker = Speaker(server.url, options.quiet, ServerDialect(merged=options.system_turn == "user"))
        self.health = Health(options.concurrency, options.timeout_s)
        self.tried = 0


def unanswered(task: PendingRow, fault: Fault) -> Completion:
    """A row that has no answer now."""
    said = f"{fault.said} ({task.faults} attempts)" if task.faults > 1 else fault.said
    return Completion(task.row.key, "", "error", error=said, fault=fault.named or fault.kind)
