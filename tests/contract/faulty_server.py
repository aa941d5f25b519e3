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

from tests.contract.quirks import ANSWERS, LISTS, REFUSALS, Answer

FAULTS = ("429", "500", "cut", "slow", "garbage", "html", "empty")
SLOW_SECONDS = 1.5
PLAIN_FAULTS: dict[str, tuple[int, Any, dict[str, str]]] = {
    "429": (429, {"error": {"message": "slow down"}}, {"Retry-After": "0.05"}),
    "429 at once": (429, {"error": {"message": "slow down"}}, {"Retry-After": "0"}),
    "400": (400, {"error": {"message": "the text is not to our liking"}}, {}),
    "quotes": (400, {"error": {"message": "Bad text: 'Zoë saw 0 seeds in the top_k row.'"}}, {}),
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

    `always` is what every request meets instead, if set. `quirks` are names of `quirks`; `lists` how it lists its models;
    `root` the only path with an API; `moved` where it sends requests; `serial` seconds an answer, one at a time; `thinks` what
    its messages hold in place of an answer; `drops_system`: the model never sees the system turn.
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
        self.quirks: set[str] = set()
        self.bodies: list[dict[str, Any]] = []
        self.drops_system = False
        self.lists = self.moved = ""
        self.root: str | None = None
        self.serial = 0.0
        self.turn = threading.Lock()
        self.thinks: dict[str, Any] = {}
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

    def refusal(self, body: dict[str, Any]) -> tuple[int, Any] | None:
        """Why a request is refused as it stands, by the first of the quirks that minds."""
        found = (REFUSALS[quirk](body) for quirk in sorted(self.quirks & REFUSALS.keys()))
        return next((refusal for refusal in found if refusal), None)

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
        server, key = self.server, self.headers.get("Authorization", "")
        server.keys.add(key)
        if server.always == "401":
            self._send(Answer({"error": {"message": f"bad key {key}", "code": "invalid_api_key"}}, 401))
        elif server.always == "html":
            self._send(Answer(b"<html><body>Welcome to the proxy</body></html>", kind="text/html"))
        elif self._elsewhere():
            return
        elif server.lists:
            status, listed = LISTS[server.lists]
            self._send(Answer(listed, status))
        else:
            self._send(Answer({"data": [{"id": server.model}]}))

    def do_POST(self) -> None:
        """One completion, or its fault."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.dead:
            self.close_connection = True
            return
        if self._elsewhere():
            return
        with self.server.lock:
            self.server.bodies.append(body)
        messages = body["messages"]
        if self.server.drops_system:
            messages = [message for message in messages if message["role"] != "system"]
        row = json.dumps(messages)
        fault = self.server.fault_for(row)
        if refusal := self.server.refusal(body):
            self._send(Answer(refusal[1], refusal[0], kind="application/json" if refusal[1] != b"" else ""))
        elif fault in PLAIN_FAULTS:
            status, content, headers = PLAIN_FAULTS[fault]
            kind = "text/html" if fault == "html" else "application/json"
            self._send(Answer(content, status, kind=kind, headers=dict(headers)))
        else:
            self._complete(row, _text(messages[-1]["content"]), fault)

    def _elsewhere(self) -> bool:
        """Whether the path is none of the server's: then that is answered."""
        root, moved = self.server.root, self.server.moved
        if root is not None and not self.path.startswith((f"{root}/chat", f"{root}/models")):
            self._send(Answer(b"404 page not found", 404, kind="text/plain"))
            return True
        if moved and not self.path.startswith(moved):
            here = moved.startswith("/")
            target = moved + self.path if here else f"{moved}{self.path}"
            self._send(Answer(b"", 307, headers={"Location": target}))
            return True
        return False

    def _complete(self, row: str, turn: str, fault: str) -> None:
        server = self.server
        if server.serial:
            with server.turn:
                time.sleep(server.serial)
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
        text = " " if fault == "whitespace" else answer_to(turn)
        with server.lock:
            server.answered[row] += fault not in ("slow", "cut")
            last = server.dies_after and sum(server.answered.values()) == server.dies_after
        if last:
            threading.Thread(target=server.die).start()
        usage = {"prompt_tokens": 10, "completion_tokens": 5}
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        if server.thinks:
            choice |= {"message": {"role": "assistant", "content": None, **server.thinks}, "finish_reason": "length"}
        answer = Answer({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage})
        for quirk in server.quirks & ANSWERS.keys():
            ANSWERS[quirk](answer)
        self._send(answer, cut=fault == "cut")

    def _send(self, answer: Answer, cut: bool = False) -> None:
        answer.encode()
        data = answer.data
        self.send_response(answer.status)
        if answer.kind:
            self.send_header("Content-Type", answer.kind)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            data = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (data[:7], data[7:])) + b"0\r\n\r\n"
        elif answer.length is not None:
            self.send_header("Content-Length", str(answer.length or len(data)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut or answer.hangs_up:
            self.close_connection = True


def _text(content: Any) -> str:
    return content if isinstance(content, str) else str(content[0]["text"])
