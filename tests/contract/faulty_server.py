"""A chat-completions server that goes wrong on purpose, by a schedule that a seed decides: each row the first time it comes.

Every answered row is counted.
"""

import json
import random
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("429", "500", "cut", "slow", "garbage", "html", "empty")
SLOW_SECONDS = 1.5
PLAIN_FAULTS: dict[str, tuple[int, Any, dict[str, str]]] = {
    "429": (429, {"error": {"message": "slow down"}}, {"Retry-After": "0.05"}),
    "500": (500, {"error": {"message": "boom"}}, {}),
    "garbage": (200, b"{not json", {}),
    "html": (200, b"<html>gateway</html>", {}),
    "empty": (200, {"choices": []}, {}),
    "long": (400, {"error": {"message": "maximum context length is 16", "code": "context_length_exceeded"}}, {}),
}


def answer_to(row: str) -> str:
    """What is answered where nothing goes wrong."""
    return f"Nobody has ever said that {row.lower().rstrip('.')}."


class FaultyServer(ThreadingHTTPServer):
    """`share` of the rows go wrong once, and `failing_share` of them meet `failing` as long as that is set.

    `always` is what every request meets instead, if set.
    """

    daemon_threads = True

    def __init__(
        self,
        share: float = 0.0,
        seed: int = 1,
        always: str = "",
        model: str = "tiny",
        dies_after: int = 0,
        port: int = 0,
        failing: str = "",
        failing_share: float = 0.0,
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.share, self.seed, self.always, self.model, self.dies_after = share, seed, always, model, dies_after
        self.failing, self.failing_share = failing, failing_share
        self.met: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.keys: set[str] = set()
        self.refused_parameters: set[str] = set()
        self.drops_system = False
        self.dead = False
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_port}/v1"

    def die(self) -> None:
        """Stop listening, and break what is still connected."""
        self.dead = True
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no news."""

    def fault_for(self, row: str) -> str:
        """The fault that this row meets now, empty for none."""
        draw = random.Random(f"{self.seed}/{row}")
        with self.lock:
            self.met[row] += 1
            first = self.met[row] == 1
        if self.always:
            return self.always
        if self.failing and random.Random(f"{self.seed}/failing/{row}").random() < self.failing_share:
            return self.failing
        return draw.choice(FAULTS) if first and draw.random() < self.share else ""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: FaultyServer

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        """The list of models."""
        self.server.keys.add(self.headers.get("Authorization", ""))
        if self.server.always == "401":
            self._send(
                401, {"error": {"message": f"bad key {self.headers.get('Authorization')}", "code": "invalid_api_key"}}
            )
        elif self.server.always == "html":
            self._send(200, b"<html><body>Welcome to the proxy</body></html>", "text/html")
        else:
            self._send(200, {"data": [{"id": self.server.model}]})

    def do_POST(self) -> None:
        """One completion, or its fault."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.drops_system:
            body["messages"] = [message for message in body["messages"] if message["role"] != "system"]
        row = json.dumps(body["messages"])
        if self.server.dead:
            self.close_connection = True
            return
        refused = sorted(self.server.refused_parameters & body.keys())
        fault = self.server.fault_for(row)
        if refused:
            self._send(400, {"error": {"message": f"Unsupported parameter: '{refused[0]}'", "param": refused[0]}})
        elif fault in PLAIN_FAULTS:
            status, content, headers = PLAIN_FAULTS[fault]
            self._send(status, content, "text/html" if fault == "html" else "application/json", headers)
        else:
            self._complete(row, body["messages"][-1]["content"], fault)

    def _complete(self, row: str, turn: str, fault: str) -> None:
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
        text = " " if fault == "whitespace" else answer_to(turn)
        with self.server.lock:
            self.server.answered[row] += fault not in ("slow", "cut")
            last = self.server.dies_after and sum(self.server.answered.values()) == self.server.dies_after
        if last:
            threading.Thread(target=self.server.die).start()
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        self._send(200, {"choices": [choice], "usage": usage}, cut=fault == "cut")

    def _send(
        self,
        status: int,
        body: Any,
        kind: str = "application/json",
        headers: dict[str, str] | None = None,
        cut: bool = False,
    ) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.close_connection = True
