"""One keep-alive connection to one server: a request, its plain answer, and what can break in between.

Uses http.client: no proxy from the environment, no redirect to another server followed, nothing sent but what is given.
Knows HTTP, no API.
"""

import functools
import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from syncse_local.airgap import AirgapRefusal
from syncse_local.backends.openai.body import receive
from syncse_local.backends.openai.key import Key
from syncse_local.backends.openai.servers import Server
from syncse_local.isolation import door

CONNECT_SECONDS = 10.0
"""A server that is there takes a connection at once, also one that is busy: its system does."""
REDIRECTS = 3
"""Followed in a row on one server; more are a circle."""
STALE = (http.client.BadStatusLine, ConnectionError, ssl.SSLEOFError)
"""What the first use of a connection meets that the server has closed, or left bytes on, since its last answer."""


class Trouble(Exception):
    """No answer. `sent`: the request had reached the server, which may have done and billed the work. `late`: time is over."""

    def __init__(self, said: str, sent: bool, late: bool = False) -> None:
        super().__init__(said)
        self.said, self.sent, self.late = said, sent, late


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `content_type` in lower case without parameters, `location` where it sends elsewhere."""

    status: int
    content_type: str
    body: bytes
    retry_after: str | None = None
    coding: str = ""
    location: str = ""


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class Client:
    """`get` and `post` belong to one thread; `watch`, `abort` and `stop` may be called from any.

    A request is given up after `patience` seconds of a silent server, and after `most` seconds in any case, by whoever calls
    `watch`; each wait of the socket ends after `most` seconds without that.
    """

    def __init__(self, server: Server, key: Key, patience: float) -> None:
        self.server, self._key = server, key
        self.patience = self.most = patience
        self._connection: http.client.HTTPConnection | None = None
        self._sock: socket.socket | None = None
        self._moved: dict[str, str] = {}
        self._began = float("inf")
        self._late = self._stopped = False
        self._lock = threading.Lock()

    def get(self, path: str) -> Reply:
        """Ask for a path of the server. Raises Trouble."""
        return self._ask("GET", path, None)

    def post(self, path: str, payload: bytes) -> Reply:
        """Send JSON to a path of the server. Raises Trouble."""
        return self._ask("POST", path, payload)

    def _ask(self, method: str, path: str, payload: bytes | None) -> Reply:
        """The answer, also to a request that is sent to another path of the same server."""
        self._late, self._began = False, time.monotonic()
        try:
            for _ in range(REDIRECTS + 1):
                reply = self._once(method, self._moved.get(path, path), payload)
                if not (300 <= reply.status < 400 and reply.location.startswith("/")):
                    return reply
                self._moved[path] = reply.location
            return reply
        finally:
            self._began = float("inf")

    def _once(self, method: str, path: str, payload: bytes | None) -> Reply:
        try:
            while True:
                reused = self._connection is not None
                connection = self._connection or self._connect()
                try:
                    return self._exchange(connection, method, path, payload)
                except STALE:
                    # A server may close an idle connection just when it is used again: that is no fault.
                    if not reused or self._late or self._stopped:
                        raise
                    self.close()
        except AirgapRefusal:
            raise
        except (OSError, http.client.HTTPException, ValueError) as problem:
            self.close()
            raise self._trouble(problem, sent=True) from None

    def _connect(self) -> http.client.HTTPConnection:
        server, patience = self.server, min(CONNECT_SECONDS, self.most)
        if server.scheme == "https":
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                server.host, server.port, timeout=patience, context=_tls()
            )
        else:
            made = http.client.HTTPConnection(server.host, server.port, timeout=patience)
        if way_out := door.opened():  # a confined worker: its watcher connects to the servers that the run names
            made._create_connection = way_out.connect  # type: ignore[attr-defined]  # http.client's own hook
        try:
            made.connect()
        except AirgapRefusal:
            raise
        except (OSError, http.client.HTTPException, ValueError) as problem:
            made.close()
            raise self._trouble(problem, sent=False) from None
        with self._lock:
            self._connection, self._sock = made, made.sock
            if self._stopped:
                raise Trouble("the run was stopped", sent=False)
        return made

    def _exchange(self, connection: http.client.HTTPConnection, method: str, path: str, payload: bytes | None) -> Reply:
        sock: socket.socket = connection.sock
        sock.settimeout(self.most)
        headers = {"Accept": "application/json", "User-Agent": "syncse-local", **self._key.headers(self.server.host)}
        if payload is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, payload, headers)
        answer = connection.getresponse()
        closes = answer.will_close
        body, exact = receive(answer, sock, self.most)
        if closes or not exact:
            self.close()
        content_type = answer.headers.get_content_type().lower() if answer.headers["Content-Type"] else ""
        coding, location = (answer.headers[name] or "" for name in ("Content-Encoding", "Location"))
        moved = self._target(path, location) if location else ""
        return Reply(answer.status, content_type, body, answer.headers["Retry-After"], coding.strip().lower(), moved)

    def _target(self, path: str, location: str) -> str:
        """Where a redirect leads: a path for one on this very server, else the address."""
        try:
            whole = urljoin(self.server.origin + path, location)
            parts = urlsplit(whole)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            return location
        here = (self.server.scheme, self.server.host, self.server.port)
        if (parts.scheme, parts.hostname, port) != here or not (parts.path.isascii() and parts.path.isprintable()):
            return whole
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _trouble(self, problem: Exception, sent: bool) -> Trouble:
        if self._late or isinstance(problem, TimeoutError):
            waited = time.monotonic() - self._began
            return Trouble(f"no answer within {waited:.3g} s" if sent else "no connection in time", sent, late=sent)
        if isinstance(problem, http.client.RemoteDisconnected):
            return Trouble("the server closed the connection without an answer", sent)
        if isinstance(problem, OSError) and problem.strerror:
            return Trouble(problem.strerror, sent)
        if isinstance(problem, http.client.IncompleteRead):
            return Trouble("the answer was cut off", sent)
        # Messages of http.client can quote what the server or the header said; their type says enough.
        return Trouble(f"the connection broke ({type(problem).__name__})", sent)

    def watch(self, now: float, heard: float = 0.0) -> None:
        """Abort the request in flight when its time is over; `heard`: when the server last answered anything."""
        if now - max(self._began, heard) > self.patience or now - self._began > self.most:
            self._late = True
            self.abort()

    def stop(self) -> None:
        """Abort the request in flight and begin no other."""
        with self._lock:
            self._stopped = True
        self.abort()

    def abort(self) -> None:
        """Break the connection under the request in flight, if any."""
        with self._lock:
            sock = self._sock
        if sock is not None:
            with suppress(OSError):  # it was closed already
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        with self._lock:
            connection, self._connection, self._sock = self._connection, None, None
        if connection is not None:
            connection.close()
