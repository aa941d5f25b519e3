"""Many requests in flight over a pool of servers: threads, back-pressure, pauses, and who is asked again.

Knows rows and faults; what a request says is in wire, what a fault means in faults.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from syncse_local.airgap import AirgapRefusal
from syncse_local.backends.openai.backoff import Backoff
from syncse_local.backends.openai.client import Client, Reply, Trouble
from syncse_local.backends.openai.faults import Fault
from syncse_local.backends.openai.key import Key
from syncse_local.backends.openai.options import OpenAIOptions
from syncse_local.backends.openai.preflight import denied, missing
from syncse_local.backends.openai.servers import ENDPOINT, Server
from syncse_local.backends.openai.spend import Spend
from syncse_local.backends.openai.wire import ServerDialect, encode, messages_of, read, too_many
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion, Message, Row

TICK = 0.1
"""Seconds between questions whether the run is cancelled."""
AHEAD = 2
"""Rows waiting for each request in flight."""


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


class ServerPool:
    """Answers rows through `servers`; one `run` at a time, `stop` from any thread."""

    def __init__(
        self, servers: Sequence[Server], key: Key, options: OpenAIOptions, dialect: ServerDialect, spend: Spend
    ) -> None:
        self._servers, self._key, self._options = list(servers), key, options
        self._dialect, self._spend = dialect, spend
        self._backoff = Backoff(options.backoff_s)
        self._halt = threading.Event()

    def run(self, tasks: Iterator[PendingRow], cancelled: Callable[[], bool]) -> Iterator[Completion]:
        """Completions as they come; ends early without the others once `cancelled()`. Raises SyncseError when no
        server can go on."""
        work = Work(self, self._servers, self._options.concurrency)
        waiting, fed = 0, False
        try:
            while not cancelled():
                while not fed and waiting < work.capacity:
                    task = next(tasks, None)
                    fed = task is None
                    if task is not None:
                        work.inbox.put(task)
                        waiting += 1
                if fed and not waiting:
                    return
                found = work.next()
                if isinstance(found, SyncseError):
                    raise found
                if found is not None:
                    waiting -= 1
                    yield found
        finally:
            work.close()

    def attempt(self, client: Client, task: PendingRow) -> Completion | Fault:
        """Send a row once. Raises SyncseError where the money set aside for the run could be crossed."""
        messages = messages_of(task.prefix, task.row)
        sampling = task.row.sampling
        size = sum(len(message.content.encode("utf-8", "replace")) for message in messages)
        reserved = self._spend.worst(size, len(messages), sampling.max_tokens)
        if not self._spend.reserve(reserved):
            raise self._spend.ended()
        body = self._dialect.request(messages, sampling, task.row.seed, not task.unlimited)
        began = time.monotonic()
        try:
            reply: Reply = client.post(ENDPOINT, encode(body))
        except Trouble as trouble:
            if trouble.sent:
                self._spend.settle(reserved)
            else:
                self._spend.release(reserved)
            return Fault("failed" if trouble.sent else "unreachable", f"{trouble.said}.")
        found = read(reply, task.row, time.monotonic() - began)
        if isinstance(found, Completion):
            self._spend.settle(reserved, found.prompt_tokens, found.cached_tokens, found.output_tokens)
            return found
        if found.billed:
            self._spend.settle(reserved)
        else:
            self._spend.release(reserved)
        if found.kind == "rejected" and not task.unlimited and too_many(found):
            task.unlimited = True
            return Fault("failed", found.said, 0.0)
        return Fault("failed", found.said, 0.0) if self._dialect.learn(found, body) else found

    def decide(self, task: PendingRow, fault: Fault, server: Server) -> Completion | SyncseError | float:
        """What becomes of a row whose attempt went wrong: an answer, the end of the run, or seconds until the next."""
        said = self._key.hide(fault.said)
        if fault.kind == "denied":
            return denied(server, fault, self._key)
        if fault.kind == "missing":
            return missing(server, self._dialect.model, fault, self._key)
        if fault.kind == "broke":
            hint = "Answered rows are kept: put credit on the account, then resume the run."
            return SyncseError("The account has no credit", f"{server.url} says: {said}", hint)
        if fault.kind in ("rejected", "refused"):
            return Completion(task.row.key, "", "refused", error=said)
        task.faults += fault.wait != 0.0
        pause = self._backoff.pause(max(1, task.faults)) if fault.wait is None else fault.wait
        late = time.monotonic() + pause - task.first > self._options.patience_s
        if task.faults <= self._options.retries and not late:
            return pause
        if fault.kind == "failed":
            return Completion(task.row.key, "", "error", error=f"{said} ({task.faults} attempts)", fault=fault.named)
        hint = "Answered rows are kept. Start the server, or wait, then resume the run."
        return SyncseError("The servers do not answer", f"{server.url}: {said}", hint, ExitCode.FAILED)


class Work:
    """The threads of one run and what lies between them."""

    def __init__(self, pool: ServerPool, servers: Sequence[Server], each: int) -> None:
        self._pool = pool
        self.inbox: queue.Queue[PendingRow | None] = queue.Queue()
        self._done: queue.SimpleQueue[Completion | SyncseError] = queue.SimpleQueue()
        self._halt = threading.Event()
        self._quiet_until = dict.fromkeys(servers, 0.0)
        self._lost: dict[Server, SyncseError] = {}
        self.capacity = AHEAD * each * len(servers)
        self._clients = [Client(s, pool._key, pool._options.timeout_s) for s in servers for _ in range(each)]
        self._threads = [threading.Thread(target=self._serve, args=(c,), daemon=True) for c in self._clients]
        for thread in self._threads:
            thread.start()

    def next(self) -> Completion | SyncseError | None:
        """The next answer, or None after a tick without one."""
        try:
            return self._done.get(timeout=TICK)
        except queue.Empty:
            return None
        finally:
            now = time.monotonic()
            for client in self._clients:
                client.watch(now)

    def _serve(self, client: Client) -> None:
        """One thread: take rows until told to stop, or until its server is lost while others go on."""
        while not self._halt.is_set() and client.server not in self._lost:
            if self._halt.wait(max(0.0, self._quiet_until[client.server] - time.monotonic())):
                return
            try:
                task = self.inbox.get(timeout=TICK)
            except queue.Empty:
                continue
            if task is None:
                return
            try:
                self._answer(client, task)
            except SyncseError as problem:
                self._done.put(problem)
            except AirgapRefusal as refused:
                hint = "Use a server on 127.0.0.1, or run without --airgap."
                self._done.put(SyncseError("Blocked by the air-gap policy", f"{refused}.", hint, ExitCode.BLOCKED))

    def _answer(self, client: Client, task: PendingRow) -> None:
        task.first = task.first or time.monotonic()
        found = self._pool.attempt(client, task)
        if self._halt.is_set():
            return
        if isinstance(found, Completion):
            self._done.put(found)
            return
        what = self._pool.decide(task, found, client.server)
        if isinstance(what, Completion):
            self._done.put(what)
        elif isinstance(what, SyncseError):
            self._lose(client.server, task, what, found.kind)
        else:
            if found.kind in ("crowded", "unreachable"):
                self._quiet_until[client.server] = time.monotonic() + what
            elif self._halt.wait(what):
                return
            self.inbox.put(task)

    def _lose(self, server: Server, task: PendingRow, why: SyncseError, kind: str) -> None:
        """A server that is gone leaves its rows to the others; the last one ends the run."""
        self._lost[server] = why
        if kind in ("unreachable", "crowded") and len(self._lost) < len(self._quiet_until):
            task.faults, task.first = 0, 0.0
            self.inbox.put(task)
        else:
            self._done.put(why)

    def close(self) -> None:
        """Drop what is in flight and wait for the threads."""
        self._halt.set()
        for client in self._clients:
            client.stop()
        for thread in self._threads:
            thread.join(timeout=5)
        for client in self._clients:
            client.close()
