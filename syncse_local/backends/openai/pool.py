"""Many requests in flight over a pool of servers: who is asked again, when, and when no more is to be had.

Knows rows and faults; what a request says is in dialect, what a reply means in wire and faults, the threads are in crew.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from syncse_local.backends.openai.backoff import Backoff
from syncse_local.backends.openai.client import Client, Trouble
from syncse_local.backends.openai.crew import Crew
from syncse_local.backends.openai.dialect import Body, ServerDialect, parameters
from syncse_local.backends.openai.faults import CONTEXT, NO_MODEL, Fault
from syncse_local.backends.openai.key import Key
from syncse_local.backends.openai.options import OpenAIOptions
from syncse_local.backends.openai.preflight import denied, missing, moved
from syncse_local.backends.openai.servers import ENDPOINT, Server
from syncse_local.backends.openai.spend import Spend
from syncse_local.backends.openai.tasks import Host, PendingRow, unanswered
from syncse_local.backends.openai.wire import encode, messages_of, read
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion

TRIED = 3
"""Rows of a server on which forms are tried: a fourth row that is rejected without a reason tells no more."""
TOO_MANY = re.compile(r"max_(completion_|new_)?tokens|max_model_len|in the completion", re.I)
"""A context that is too short for the prompt with the tokens asked for, as servers word it."""
HINTS = {
    "unreachable": "Start the server.",
    "late": "Give it time (--backend-option timeout_s=600) or less to do (--backend-option concurrency=1) in a new run.",
    "crowded": "Wait until it takes requests.",
}
"""The next step where a server as a whole has no answers, by the kind of the fault."""


class ServerPool:
    """Answers rows through servers; one `run` at a time."""

    def __init__(self, servers: Sequence[Server], key: Key, options: OpenAIOptions, model: str, spend: Spend) -> None:
        self.hosts = [Host(server, options) for server in servers]
        self._key, self._options, self._model, self._spend = key, options, model, spend
        self._backoff = Backoff(options.backoff_s)

    @property
    def warnings(self) -> list[str]:
        """What was learnt of the servers that people should know."""
        return [text for host in self.hosts for text in host.speaker.warnings]

    def run(self, tasks: Iterator[PendingRow], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """Completions as they come; ends early without the others once `cancelled()`. Raises SyncseError when no
        server can go on, after the rows that met faults."""
        for host in self.hosts:
            host.health.start()
        clients = {
            host: [Client(host.server, self._key, self._options.timeout_s) for _ in range(host.health.most)]
            for host in self.hosts
        }
        crew = Crew(clients, self.attempt, self.decide)
        waiting, fed = 0, False
        try:
            while not cancelled():
                while not fed and waiting < crew.capacity:
                    task = next(tasks, None)
                    fed = task is None
                    if task is not None:
                        crew.inbox.put(task)
                        waiting += 1
                if fed and not waiting:
                    return
                found = crew.next()
                if isinstance(found, SyncseError):
                    yield from crew.failing()
                    raise found
                if found is not None:
                    waiting -= 1
                    yield found
        finally:
            crew.close()

    # -- asking --------------------------------------------------------------------------------------------------------

    def attempt(self, host: Host, client: Client, task: PendingRow) -> Completion | Fault:
        """Send a row once, or more often in forms that are tried. Raises SyncseError where money set aside could run out."""
        dialect = host.speaker.dialect
        body = self._body(task, dialect)
        found = self._send(host, client, task, body)
        if isinstance(found, Completion):
            host.speaker.answered(body)
            return found
        if self._too_many(task, found) or self._elsewhere(host, found):
            return replace(found, kind="again")
        if found.kind in ("rejected", "failed") and host.speaker.learn(found, body):
            return replace(found, kind="again")
        if found.kind == "rejected" and not host.speaker.answers(body):
            return self._tried(host, client, task) or replace(found, kind="failed")
        return found

    def _body(self, task: PendingRow, dialect: ServerDialect) -> Body:
        asked = parameters(task.row.sampling, task.row.seed) | self._options.extra
        limit = None if task.unlimited else task.row.sampling.max_tokens + self._options.thinking_room
        fixed = {"model": self._model, "stream": False, "max_tokens": limit}
        return dialect.body(messages_of(task.prefix, task.row), asked | fixed)

    def _send(self, host: Host, client: Client, task: PendingRow, body: Body) -> Completion | Fault:
        texts = [message.content for message in messages_of(task.prefix, task.row)]
        size = sum(len(text.encode("utf-8", "replace")) for text in texts)
        most = task.row.sampling.max_tokens + self._options.thinking_room
        reserved = self._spend.worst(size, len(texts), most)
        if not self._spend.reserve(reserved):
            raise self._spend.ended()
        began = time.monotonic()
        try:
            reply = client.post(host.places[0].at(ENDPOINT), encode(body))
        except Trouble as trouble:
            if not trouble.sent:
                self._spend.release(reserved)
                return Fault("unreachable", f"{trouble.said}.", named="no connection")
            self._spend.settle(reserved)
            if trouble.late:
                return Fault("late", f"{trouble.said} (timeout_s, concurrency).", named="time-out")
            return Fault("failed", f"{trouble.said}.", named="broken connection")
        found = read(reply, task.row, time.monotonic() - began)
        if isinstance(found, Completion):
            self._spend.settle(reserved, found.prompt_tokens, found.cached_tokens, found.output_tokens)
            return replace(found, error=self._key.hide(found.error))
        if found.billed:
            self._spend.settle(reserved)
        else:
            self._spend.release(reserved)
        return replace(found, said=self._key.hide(found.said))

    def _too_many(self, task: PendingRow, fault: Fault) -> bool:
        """Whether the context is too short for the tokens asked for: then it alone ends the answer."""
        about = f"{fault.param} {fault.said}"
        if (
            fault.kind not in ("refused", "rejected")
            or task.unlimited
            or not (TOO_MANY.search(about) and CONTEXT.search(about))
        ):
            return False
        task.unlimited = True
        return True

    def _elsewhere(self, host: Host, fault: Fault) -> bool:
        """Whether the API may be at another path of a server that has not answered at this one."""
        if fault.kind != "missing" or host.speaker.proven or NO_MODEL.search(fault.said) or len(host.places) == 1:
            return False
        del host.places[0]
        return True

    def _tried(self, host: Host, client: Client, task: PendingRow) -> Completion | None:
        """An answer in another form, which then is the server's; None where every form is rejected."""
        if host.tried >= TRIED:
            return None
        host.tried += 1
        for why, dialect in host.speaker.trials():
            body = self._body(task, dialect)
            found = self._send(host, client, task, body)
            if isinstance(found, Completion):
                host.speaker.settle(why, dialect)
                host.speaker.answered(body)
                return found
        return None

    # -- deciding ------------------------------------------------------------------------------------------------------

    def decide(self, host: Host, task: PendingRow, fault: Fault) -> Completion | SyncseError | float:
        """What becomes of a row whose attempt went wrong: an answer or none, the end of the server, or seconds to wait."""
        if fault.kind == "again":
            return 0.0
        if ended := self._end(host, fault):
            return ended
        if fault.kind in ("rejected", "refused"):
            return Completion(task.row.key, "", "refused", error=fault.said)
        now, patience, health = time.monotonic(), self._options.patience_s, host.health
        turned_away = fault.kind in ("unreachable", "crowded")  # which is no fault of the row's
        task.faults += not turned_away
        pause = fault.wait or self._backoff.pause(max(1, health.turned_away if turned_away else task.faults))
        gone = fault.kind in HINTS and pause + health.silent(now) > patience
        if gone or (fault.kind == "unreachable" and health.turned_away > self._options.retries):
            detail = f"{host.server.url}: {fault.said}"
            return SyncseError("The servers do not answer", detail, HINTS[fault.kind], ExitCode.FAILED)
        if turned_away:
            return pause if pause + now - task.first <= patience else unanswered(task, fault)
        return unanswered(task, fault) if task.faults > self._options.retries or health.hopeless else pause

    def _end(self, host: Host, fault: Fault) -> SyncseError | None:
        """The end of the run where a fault is about all rows: the key, the model, the money, the address."""
        proven = host.speaker.proven
        if fault.kind == "denied" and not (proven and fault.named == "HTTP 403"):
            return denied(host.server, fault, self._key)
        if fault.kind == "missing" and not proven:
            return missing(host.server, self._model, fault, self._key)
        if fault.kind == "broke":
            detail = f"{host.server.url} says: {fault.said}"
            return SyncseError("The account has no credit", detail, "Put credit on the account.")
        if fault.kind == "moved":
            return moved(host.server, fault)
        return None
