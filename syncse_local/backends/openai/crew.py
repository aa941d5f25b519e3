"""The threads that ask, and what lies between them: as many of a server's work as it can take now.

Knows tasks and decisions; knows neither what is asked nor why it went wrong.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from syncse_local.airgap import AirgapRefusal
from syncse_local.backends.openai.client import Client
from syncse_local.backends.openai.faults import Fault
from syncse_local.backends.openai.tasks import Host, PendingRow, unanswered
from syncse_local.errors import ExitCode, SyncseError
from syncse_local.records import Completion

TICK = 0.1
"""Seconds between questions whether the run is cancelled."""
AHEAD = 2
"""Rows waiting for each request in flight."""
PATIENCE = 5.0
"""Seconds that a thread has to end: its connection is broken by then."""


class Crew:
    """The threads of one run, one for each client; those beyond a server's window rest."""

    def __init__(
        self,
        clients: Mapping[Host, Sequence[Client]],
        attempt: Callable[[Host, Client, PendingRow], Completion | Fault],
        decide: Callable[[Host, PendingRow, Fault], Completion | SyncseError | float],
    ) -> None:
        self._attempt, self._decide, self._clients = attempt, decide, clients
        self.inbox: queue.Queue[PendingRow] = queue.Queue()
        self.capacity = AHEAD * sum(map(len, clients.values()))
        self._done: queue.SimpleQueue[Completion | SyncseError] = queue.SimpleQueue()
        self._halt = threading.Event()
        self._lost: dict[Host, SyncseError] = {}
        self._failing: dict[str, Completion] = {}
        self._threads = [
            threading.Thread(target=self._serve, args=(host, number, client), daemon=True)
            for host, several in clients.items()
            for number, client in enumerate(several)
        ]
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
            for host, clients in self._clients.items():
                for client in clients:
                    client.watch(now, host.health.heard)

    def failing(self) -> Iterator[Completion]:
        """The rows that have met faults and no answer so far."""
        self._halt.set()
        yield from list(self._failing.values())

    def _serve(self, host: Host, number: int, client: Client) -> None:
        """One thread: take rows until told to stop, or until its server is lost while others go on."""
        while not self._halt.is_set() and host not in self._lost:
            rest = host.health.quiet_until - time.monotonic()
            if rest > 0 or number >= host.health.window:
                self._halt.wait(max(rest, TICK / 2))
                continue
            try:
                task = self.inbox.get(timeout=TICK)
            except queue.Empty:
                continue
            try:
                self._answer(host, client, task)
            except SyncseError as problem:
                self._done.put(problem)
            except AirgapRefusal as refused:
                hint = "Use a server on 127.0.0.1, or run without --airgap."
                self._done.put(SyncseError("Blocked by the air-gap policy", f"{refused}.", hint, ExitCode.BLOCKED))

    def _answer(self, host: Host, client: Client, task: PendingRow) -> None:
        task.first = task.first or time.monotonic()
        allowance = host.health.begin()
        client.patience, client.most = allowance.silence, allowance.most
        try:
            found = self._attempt(host, client, task)
        finally:
            host.health.end()
        if self._halt.is_set():
            return
        if isinstance(found, Completion):
            host.health.answered()
            self._finish(found)
            return
        if found.kind != "again":
            host.health.failed(allowance, found.kind)
        what = self._decide(host, task, found)
        if isinstance(what, Completion):
            self._finish(what)
        elif isinstance(what, SyncseError):
            self._lose(host, task, what, found)
        else:
            self._again(host, task, found, what)

    def _finish(self, completion: Completion) -> None:
        self._failing.pop(completion.key, None)
        self._done.put(completion)

    def _again(self, host: Host, task: PendingRow, fault: Fault, pause: float) -> None:
        """Back among the waiting rows, after a pause of this thread, or of the whole server where the fault was its own."""
        if fault.kind != "again":
            self._failing[task.row.key] = unanswered(task, fault)
        if fault.kind in ("crowded", "unreachable"):
            host.health.quiet_until = time.monotonic() + pause
        elif self._halt.wait(pause):
            return
        self.inbox.put(task)

    def _lose(self, host: Host, task: PendingRow, why: SyncseError, fault: Fault) -> None:
        """A server that is gone leaves its rows to the others; the last one ends the run."""
        self._lost[host] = why
        self._failing[task.row.key] = unanswered(task, fault)
        if fault.kind in ("unreachable", "late", "crowded") and len(self._lost) < len(self._clients):
            task.faults, task.first = 0, 0.0
            self.inbox.put(task)
        else:
            self._done.put(why)

    def close(self) -> None:
        """Drop what is in flight and wait for the threads."""
        self._halt.set()
        clients = [client for several in self._clients.values() for client in several]
        for client in clients:
            client.stop()
        for thread in self._threads:
            thread.join(timeout=PATIENCE)
        for client in clients:
            client.close()
