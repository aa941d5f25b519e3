"""One keep-alive connection to one server: a request, its plain answer, and what can break in between.

Uses http.client: no proxy from the environment, no redirect followed, nothing sent but what is given. Knows HTTP, no API.
"""

import functools
import http.client
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from syncse_local.airgap import AirgapRefusal
from syncse_local.backends.openai.key import Key
from syncse_local.backends.openai.servers import Server

CONNECT_SECONDS = 10.0
"""A server that is there accepts within a round trip; a host that is off says nothing for minutes."""
LARGEST = 16 << 20
"""Bytes of an answer that are read at most."""
STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class Trouble(Exception):
    """No answer. `sent`: whether the request had reached the server, which may have done and billed the work."""

    def __init__(self, said: str, sent: bool) -> None:
        super().__init__(said)
        self.said, self.sent = said, sent


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; `content_type` in lower case without parameters."""

    status: int
    content_type: str
    body: bytes
    retry_after: str | None = None


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class Client:
    """`get` and `post` belong to one thread; `abort` and `stop` may be called from any.

    `timeout_s` bounds a request as a whole when somebody calls `watch`, and each wait of the socket otherwise.
    """

    def __init__(self, server: Server, key: Key, timeout_s: float) -> None:
        self.server, self._key, self._timeout = server, key, timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._deadline = float("inf")
        self._late = self._stopped = False
        self._lock = threading.Lock()

    def get(self, path: str) -> Reply:
        """Ask for a path under the base URL. Raises Trouble."""
        return self._ask("GET", path, None)

    def post(self, path: str, payload: bytes) -> Reply:
        """Send JSON to a path under the base URL. Raises Trouble."""
        return self._ask("POST", path, payload)

    def _ask(self, method: str, path: str, payload: bytes | None) -> Reply:
        self._late, self._deadline = False, time.monotonic() + self._timeout
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
        finally:
            self._deadline = float("inf")

    def _connect(self) -> http.client.HTTPConnection:
        server, patience = self.server, min(CONNECT_SECONDS, self._timeout)
        if server.scheme == "https":
            made: http.client.HTTPConnection = http.client.HTTPSConnection(
                server.host, server.port, timeout=patience, context=_tls()
            )
        else:
            made = http.client.HTTPConnection(server.host, server.port, timeout=patience)
        try:
            made.connect()
            made.sock.settimeout(self._timeout)
        except AirgapRefusal:
            raise
        except (OSError, http.client.HTTPException, ValueError) as problem:
            made.close()
            raise self._trouble(problem, sent=False) from None
        with self._lock:
            self._connection = made
            if self._stopped:
                raise Trouble("the run was stopped", sent=False)
        return made

    def _exchange(self, connection: http.client.HTTPConnection, method: str, path: str, payload: bytes | None) -> Reply:
        headers = {"Accept": "application/json", "User-Agent": "syncse-local", **self._key.headers()}
        if payload is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, self.server.path + path, payload, headers)
        answer = connection.getresponse()
        if (answer.length or 0) > LARGEST:
            raise http.client.HTTPException(f"an answer of {answer.length} bytes")
        # Without a size `read` notices that an answer with a stated length was cut; with one it does not.
        body = answer.read() if answer.length is not None else answer.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise http.client.HTTPException(f"an answer of more than {LARGEST} bytes")
        if answer.will_close:
            self.close()
        content_type = answer.headers.get_content_type().lower() if answer.headers["Content-Type"] else ""
        return Reply(answer.status, content_type, body, answer.headers["Retry-After"])

    def _trouble(self, problem: Exception, sent: bool) -> Trouble:
        if self._late or isinstance(problem, TimeoutError):
            return Trouble(f"no answer within {self._timeout:g} s" if sent else "no connection in time", sent)
        if isinstance(problem, OSError) and problem.strerror:
            return Trouble(problem.strerror, sent)
        if isinstance(problem, http.client.IncompleteRead):
            return Trouble("the answer was cut off", sent)
        # Messages of http.client can quote what the server or the header said; their type says enough.
        return Trouble(f"the connection broke ({type(problem).__name__})", sent)

    def watch(self, now: float) -> None:
        """Abort the request in flight when its time is over."""
        if now > self._deadline:
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
            sock = getattr(self._connection, "sock", None)
        if sock is not None:
            with suppress(OSError):  # it was closed already
                sock.shutdown(2)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
